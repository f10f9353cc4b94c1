import type { Batch } from './index-batch.js'
import type { Slices } from './slices.js'
import type { FoundFile } from './walk.js'

/** A batch is full at this many files or bytes: enough to make its message cheap, few enough to share the work evenly. */
const mostFiles = 512
const mostBytes = 1 << 21
/** The first batch is this part of a full one, each further one twice as large: the threads get work at once. */
const firstPart = 1 / 32

/** Packs files into batches, in their order, and stands back for other work as `slices` says. */
export async function* packBatches(
  root: string,
  files: Iterable<FoundFile | undefined>,
  slices: Slices,
): AsyncGenerator<Batch, void, void> {
  let paths: string[] = []
  let bytes = 0
  let part = firstPart
  for (const file of files) {
    if (slices.over) await slices.pause()
    if (file === undefined) continue
    paths.push(file.path)
    bytes += file.bytes
    if (paths.length < mostFiles * part && bytes < mostBytes * part) continue
    yield { root, paths, bytes }
    part = Math.min(1, part * 2)
    paths = []
    bytes = 0
  }
  if (paths.length > 0) yield { root, paths, bytes }
}

/**
 * Yields what `source` yields, but lets it run ahead of its consumer by up to `limit` items.
 * An error of the source comes after the items before it; a consumer that leaves early ends the source.
 */
export async function* readAhead<Item>(source: AsyncIterable<Item>, limit: number): AsyncGenerator<Item, void, void> {
  const items: Item[] = []
  let state: 'running' | 'ended' | 'abandoned' = 'running'
  let wakeSource = () => {}
  let wakeConsumer = () => {}
  const pump = async () => {
    for await (const item of source) {
      items.push(item)
      wakeConsumer()
      while (items.length >= limit && state === 'running')
        await new Promise<void>((resolve) => {
          wakeSource = resolve
        })
      if (state === 'abandoned') return
    }
  }
  const pumped = pump().finally(() => {
    state = 'ended'
    wakeConsumer()
  })
  // Awaited below; without this an error would count as unhandled until the consumer has taken all items.
  pumped.catch(() => {})
  try {
    for (;;) {
      const item = items.shift()
      if (item !== undefined) {
        wakeSource()
        yield item
      } else if (state === 'running')
        await new Promise<void>((resolve) => {
          wakeConsumer = resolve
        })
      else return await pumped
    }
  } finally {
    if (state === 'running') state = 'abandoned'
    wakeSource()
  }
}
