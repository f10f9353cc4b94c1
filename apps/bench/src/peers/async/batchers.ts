import { loadPeer } from '../sync/load.js'
import { newBatches } from './heddle.js'

type Loop = (calls: number) => Promise<unknown>

interface Peer {
  readonly version: string
  readonly loop: Loop
}

const batchSize = 100

/** Each caller awaits its item's own result; the items come in waves, each as large as a batch. */
export function heddleWaves(): Loop {
  const batches = newBatches<number, number>(batchSize, async (items) => items.map(addOne))
  return waves((item) => batches.add(item))
}

export async function dataloaderWaves(): Promise<Peer> {
  const { Loader, version } = await loadLoader()
  const loader = new Loader<number, number>(async (items) => items.map(addOne), {
    cache: false,
    maxBatchSize: batchSize,
  })
  return { version, loop: waves((item) => loader.load(item)) }
}

/** All items at once; over when the last of them is acknowledged, and all were in a batch by then. */
export function heddleCrowd(): Loop {
  let processed = 0
  const batches = newBatches<number, number>(batchSize, async (items) => {
    processed += items.length
    return items.map(addOne)
  })
  return async (calls) => {
    processed = 0
    let last: Promise<unknown> | undefined
    for (let n = 0; n < calls; n++) last = batches.addItem(n)
    await last
    check(processed, calls)
  }
}

export async function dataloaderCrowd(): Promise<Peer> {
  const { Loader, version } = await loadLoader()
  let processed = 0
  const loader = new Loader<number, number>(
    async (items) => {
      processed += items.length
      return items.map(addOne)
    },
    { cache: false, maxBatchSize: batchSize },
  )
  return {
    version,
    loop: async (calls) => {
      processed = 0
      let last: Promise<unknown> | undefined
      for (let n = 0; n < calls; n++) last = loader.load(n)
      await last
      check(processed, calls)
    },
  }
}

async function loadLoader() {
  const { module, version } = await loadPeer('dataloader', () => import('dataloader'))
  return { Loader: module.default, version }
}

const addOne = (item: number): number => item + 1

function waves(add: (item: number) => Promise<number>): Loop {
  return async (calls) => {
    for (let done = 0; done < calls; done += batchSize) {
      const wave: Promise<number>[] = []
      for (let n = done; n < Math.min(done + batchSize, calls); n++) wave.push(add(n))
      const results = await Promise.all(wave)
      if (results[results.length - 1] !== Math.min(done + batchSize, calls)) throw new Error('a wrong result')
    }
  }
}

function check(processed: number, calls: number): void {
  if (processed !== calls) throw new Error(`acknowledged with ${processed} of ${calls} items in batches`)
}
