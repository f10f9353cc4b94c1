import { ProcessPoolManager } from '@heddle/process-pool'
import { ThreadPoolManager } from '@heddle/worker-pool'
import type { Contender } from '../../duel.js'
import { increment } from './heddle-tasks.js'

type Manager = ThreadPoolManager | ProcessPoolManager

/** Managers that take all that comes. */
export const newThreads = (maxWorkers: number) =>
  new ThreadPoolManager({ maxWorkers, maxQueued: Number.POSITIVE_INFINITY })
export const newProcesses = (maxWorkers: number) =>
  new ProcessPoolManager({ maxWorkers, maxQueued: Number.POSITIVE_INFINITY })

export const heddleThreads = (workers = 1) => incrementing(newThreads(workers))
export const heddleProcesses = (workers = 1) => incrementing(newProcesses(workers))

function incrementing(pool: Manager): Contender & { call: (n: number) => Promise<number> } {
  return { call: (n) => pool.run(increment, [n]), close: () => pool.drain() }
}
