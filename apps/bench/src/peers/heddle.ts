import { ThreadPoolManager } from '@heddle/worker-pool'
import type { Contender } from '../duel.js'
import { increment } from './heddle-tasks.js'

export async function heddleThreads(): Promise<Contender> {
  const pool = new ThreadPoolManager({ maxWorkers: 1 })
  return { call: (n) => pool.run(increment, [n]), close: () => pool.drain() }
}
