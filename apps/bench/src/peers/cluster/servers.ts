import { ClusterError, LocalServer } from '@heddle/cluster-pool'
import { Absent } from '../../arena.js'
import { children, timeOf } from '../pool/children.js'

export type Engine = 'redis' | 'postgres'

/**
 * A server of this machine, as the package starts it: Redis with an append-only file that is written out each second, PostgreSQL
 * with every commit on the disk. It ends with this process, however that ends.
 *
 * @throws Absent where there is none to start
 */
export async function startServer(engine: Engine): Promise<LocalServer> {
  try {
    return await LocalServer.start({ engine })
  } catch (error) {
    const missing = error instanceof ClusterError && error.code === 'ERR_NO_SERVER'
    if (missing && !(await LocalServer.isAvailable(engine)))
      throw new Absent(`${engine} does not start: ${error.message}`)
    throw error
  }
}

/** What tells the processor time, in µs, that a server and other processes have used so far; NaN where the system does not tell. */
export function clockOf({ pid }: LocalServer, others: readonly number[]): () => number {
  return () => {
    try {
      return timeOf([pid, ...children(pid), ...others])
    } catch (error) {
      if (error instanceof Absent) return Number.NaN
      throw error
    }
  }
}
