import type { DuelRunner } from '../../arena.js'
import { charged, clocked, type Side } from '../../batches.js'
import { timeOf } from '../../peers/pool/children.js'
import { bareHalves, type MapItems } from '../../peers/pool/halves.js'
import { newProcesses, newThreads } from '../../peers/pool/heddle.js'
import { increment, work } from '../../peers/pool/heddle-tasks.js'
import incrementNumber from '../../peers/pool/increment.js'
import * as python from '../../peers/pool/python.js'
import { work as workOn } from '../../peers/pool/work.js'
import { batched } from '../batched.js'
import { check } from './duel.js'

const numbers = { calls: 1_000_000, batches: 1 }
const heavy = { calls: 64, batches: 2 }
const workers = 2

/** Tasks over the items of one array. */
export const mapDuels: Readonly<Record<string, DuelRunner>> = {
  'map-number-threads/multiprocessing': inThreads(python.poolMap),
  'map-number-threads/process-executor': inThreads(python.processExecutorMap),
  'map-number-threads/thread-executor': inThreads(python.threadExecutorMap, 100),
  'map-number-threads/plain': inThreads(plainMap),
  'map-number-processes/multiprocessing': inProcesses(python.poolMap),
  'map-number-processes/process-executor': inProcesses(python.processExecutorMap),

  'map-speedup/halves': batched(
    async () => {
      const { map, close } = bareHalves()
      return { version: process.version, batch: clocked(working(map)), close }
    },
    () => {
      const pool = newThreads(workers)
      const map: MapItems = (items) => pool.map(work, items, { chunkSize: 'auto' }).toArray()
      return { batch: clocked(working(map)), close: () => pool.drain() }
    },
    heavy,
  ),
}

interface Rival {
  readonly version: string
  readonly batch: Side['batch']
}

function inThreads(rival: () => Rival, less = 1): DuelRunner {
  return batched(
    async () => rival(),
    () => incremented(newThreads(workers)),
    numbers,
    less,
  )
}

function inProcesses(rival: () => Rival): DuelRunner {
  return batched(
    async () => rival(),
    () => incremented(newProcesses(workers), timeOf),
    numbers,
  )
}

function incremented(pool: ReturnType<typeof newThreads> | ReturnType<typeof newProcesses>, elsewhere?: () => number) {
  const map: MapItems = (items) => pool.map(increment, items, { chunkSize: 'auto' }).toArray()
  return { batch: charged(incrementing(map), elsewhere), close: () => pool.drain() }
}

/** No pool at all: the function is so small that nothing can be faster than to call it here. */
function plainMap(): Rival {
  return { version: process.version, batch: charged(incrementing(async (items) => items.map(incrementNumber))) }
}

function incrementing(map: MapItems) {
  const items = Array.from({ length: numbers.calls }, (_, index) => index)
  return async (calls: number) => {
    check(await map(calls === items.length ? items : items.slice(0, calls)), calls)
  }
}

function working(map: MapItems) {
  const seeds = Array.from({ length: heavy.calls }, (_, index) => index)
  const answers = seeds.map(workOn)
  return async (calls: number) => {
    const results = await map(seeds.slice(0, calls))
    if (results.length !== calls || results.some((result, index) => result !== answers[index]))
      throw new Error('a wrong result')
  }
}
