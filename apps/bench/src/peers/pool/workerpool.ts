import { fileURLToPath } from 'node:url'
import { loadPeer } from '../sync/load.js'
import type { Pool } from './contender.js'

export const workerpoolThreads = (workers = 1) => newPool('thread', workers)
export const workerpoolProcesses = (workers = 1) => newPool('process', workers)

async function newPool(workerType: 'thread' | 'process', workers: number): Promise<Pool> {
  const { module, version } = await loadPeer('workerpool', () => import('workerpool'))
  const pool = module.default.pool(fileURLToPath(new URL('./workerpool-worker.js', import.meta.url)), {
    workerType,
    minWorkers: workers,
    maxWorkers: workers,
  })
  return {
    version,
    call: async (n) => (await pool.exec('increment', [n])) as number,
    close: async () => await pool.terminate(),
  }
}
