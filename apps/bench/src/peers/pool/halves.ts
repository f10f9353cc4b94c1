import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

export type MapItems = (items: readonly number[]) => Promise<readonly number[]>

/** Two worker threads and no pool: each works on one half of the items. */
export function bareHalves(): { map: MapItems; close: () => Promise<unknown> } {
  const workers = [0, 1].map(() => new Worker(new URL('./work-worker.js', import.meta.url)))
  return {
    map: async (items) => {
      const middle = items.length >> 1
      const halves = [items.slice(0, middle), items.slice(middle)]
      const results = await Promise.all(
        workers.map(async (worker, index) => {
          worker.postMessage(halves[index])
          const [answers] = await once(worker, 'message')
          return answers as number[]
        }),
      )
      return results.flat()
    },
    close: () => Promise.all(workers.map((worker) => worker.terminate())),
  }
}
