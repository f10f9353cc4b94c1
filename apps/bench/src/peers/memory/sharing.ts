import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Segment, SharedArray, type SharedArrayHandle } from '@heddle/shared-memory'
import type { Batches, Contenders } from '../../duels/batched.js'
import { median } from '../../statistics.js'
import { newSegment } from './segment.js'

/** What the reader gets: bytes, or by what it finds them. It opens and closes the segment itself if that is named. */
export type Shipment =
  | Uint8Array
  | { readonly array: SharedArrayHandle; readonly segment?: ReturnType<Segment['toHandle']> }

export const large = 100_000_000
export const small = 1

const program = fileURLToPath(new URL('./reader-process.js', import.meta.url))
const restMs = 20
/** What a segment needs beside the bytes. */
const extra = 1 << 16

/** A process that answers with the last byte of what it gets. */
class Reader {
  readonly #child = fork(program, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  #resolve: ((message: unknown) => void) | undefined
  #reject: ((reason: Error) => void) | undefined

  static async start(): Promise<Reader> {
    const reader = new Reader()
    reader.#child.on('message', (message) => reader.#resolve?.(message))
    reader.#child.on('exit', (code, signal) => reader.#reject?.(new Error(`the reader ended with ${signal ?? code}`)))
    await reader.#next()
    return reader
  }

  /** A last byte that no call before had, then the way there and back, in µs. */
  async send(bytes: Uint8Array, make: () => Shipment): Promise<number> {
    const last = ((bytes.at(-1) ?? 0) % 255) + 1
    bytes[bytes.length - 1] = last
    await setTimeout(restMs)
    const begun = performance.now()
    const answer = this.#next()
    this.#child.send(make())
    const answered = await answer
    const time = (performance.now() - begun) * 1000
    if (answered !== last) throw new Error(`the last byte is ${last}, not ${String(answered)}`)
    return time
  }

  async close(): Promise<void> {
    const exit = once(this.#child, 'exit')
    this.#child.kill()
    await exit
  }

  #next(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }
}

/**
 * An array of 100 MB that is handed to another process, and one of 1 byte.
 *
 * @param opened - whether that process opens the segment of the array each time, and closes it
 */
export async function handing(opened: 'once' | 'each time'): Promise<Contenders> {
  const reader = await Reader.start()
  const arrays = [newArray(large), newArray(small)] as const
  const side = ({ array, segment }: (typeof arrays)[number]): Batches => ({
    batch: sending(reader, array.view, () => ({
      array: array.toHandle(),
      ...(opened === 'once' ? {} : { segment: segment.toHandle() }),
    })),
    close: () => segment.close(),
  })
  return {
    ours: { ...side(arrays[0]), close: () => closeAll(reader, arrays[0].segment) },
    rival: side(arrays[1]),
    version: process.version,
  }
}

/** The same array, and 100 MB that are copied through the channel of a child process. */
export async function handingBesideCopy(): Promise<Contenders> {
  const reader = await Reader.start()
  const { array, segment } = newArray(large)
  const bytes = new Uint8Array(large)
  return {
    ours: {
      batch: sending(reader, array.view, () => ({ array: array.toHandle() })),
      close: () => closeAll(reader, segment),
    },
    rival: { batch: sending(reader, bytes, () => bytes) },
    version: process.version,
  }
}

async function closeAll(reader: Reader, segment: Segment): Promise<void> {
  await reader.close()
  segment.close()
}

function newArray(length: number) {
  const segment = newSegment(length + extra)
  return { segment, array: new SharedArray('uint8', length, { memory: segment }) }
}

/** One at a time, by the clock. The median call stands for all of the batch: V8 collects garbage when so many bytes come or go. */
function sending(reader: Reader, bytes: Uint8Array, make: () => Shipment): Batches['batch'] {
  return async (calls) => {
    const times: number[] = []
    for (let n = 0; n < calls; n++) times.push(await reader.send(bytes, make))
    const all = median(times) * calls
    return { cpu: all, wall: all }
  }
}
