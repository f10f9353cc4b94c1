import { fileURLToPath } from 'node:url'
import workerpool from 'workerpool'
import type { Contender } from '../duel.js'
import { versionOf } from './version.js'

export async function workerpoolThreads(): Promise<Contender & { version: string }> {
  const pool = workerpool.pool(fileURLToPath(new URL('./workerpool-worker.js', import.meta.url)), {
    workerType: 'thread',
    minWorkers: 1,
    maxWorkers: 1,
  })
  return {
    version: versionOf('workerpool'),
    call: async (n) => await pool.exec('increment', [n]),
    close: async () => await pool.terminate(),
  }
}
