import { loadPeer } from '../sync/load.js'
import { newManager } from './heddle.js'
import { addOne, concurrency } from './submit.js'

/** Answers for each item, in their order. */
export type MapItems = (items: readonly number[]) => Promise<ArrayLike<number>>

export interface Mapper {
  readonly version: string
  readonly map: MapItems
}

export function heddle(): MapItems {
  const manager = newManager(concurrency)
  return (items) => manager.map(addOne, items, { concurrency }).toArray()
}

export function heddleForAwait(): MapItems {
  const manager = newManager(concurrency)
  return async (items) => {
    const results: number[] = []
    for await (const result of manager.map(addOne, items, { concurrency })) results.push(result)
    return results
  }
}

export async function asyncMapLimit(): Promise<Mapper> {
  const { module, version } = await loadPeer('async', () => import('async'))
  return { version, map: (items) => module.mapLimit<number, number>(items as number[], concurrency, addOne) }
}

export async function pMap(): Promise<Mapper> {
  const { module, version } = await loadPeer('p-map', () => import('p-map'))
  return { version, map: (items) => module.default(items, addOne, { concurrency }) }
}

export async function pLimitMap(): Promise<Mapper> {
  const { module, version } = await loadPeer('p-limit', () => import('p-limit'))
  const limit = module.default(concurrency)
  return { version, map: (items) => limit.map(items, addOne) }
}

/** So many loops over one index: nothing that calls the task and awaits it does less. */
export function lanes(): Mapper {
  return {
    version: process.version,
    map: async (items) => {
      const results = Array.from(items, () => 0)
      let next = 0
      const lane = async () => {
        while (next < items.length) {
          const index = next++
          results[index] = await addOne(items[index] as number)
        }
      }
      await Promise.all(Array.from({ length: concurrency }, lane))
      return results
    },
  }
}
