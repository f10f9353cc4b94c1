import { loadPeer } from '../sync/load.js'
import type { Pool } from './contender.js'

export async function piscinaThreads(workers = 1): Promise<Pool> {
  const {
    module: { Piscina },
    version,
  } = await loadPeer('piscina', () => import('piscina'))
  const pool = new Piscina({
    filename: new URL('./increment.js', import.meta.url).href,
    minThreads: workers,
    maxThreads: workers,
    atomics: 'disabled',
  })
  return { version, call: (n) => pool.run(n), close: () => pool.destroy() }
}
