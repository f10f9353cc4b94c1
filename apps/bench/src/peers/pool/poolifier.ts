import { fileURLToPath } from 'node:url'
import { loadPeer } from '../sync/load.js'
import type { Pool } from './contender.js'

export async function poolifierThreads(workers = 1): Promise<Pool> {
  const {
    module: { FixedThreadPool },
    version,
  } = await loadPeer('poolifier', () => import('poolifier'))
  const file = fileURLToPath(new URL('./poolifier-worker.js', import.meta.url))
  const pool = new FixedThreadPool<number, number>(workers, file)
  return {
    version,
    call: (n) => pool.execute(n),
    // Not awaited: once in a while it never settles. The threads end with the process of the duel.
    close: async () => {
      void pool.destroy()
    },
  }
}
