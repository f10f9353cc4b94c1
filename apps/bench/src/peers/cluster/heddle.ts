import { Cluster, ClusterPoolManager } from '@heddle/cluster-pool'
import { increment } from '../pool/heddle-tasks.js'
import { startOther } from './other-process.js'
import type { Runner } from './runner.js'

/** Ours: a pool here, a node there, which runs the bodies in a thread of its own. */
export async function startHeddle(url: string): Promise<Runner> {
  const cluster = await Cluster.connect({ url })
  const node = await startOther('./heddle-process.js', { url })
  const pool = new ClusterPoolManager(cluster)
  return {
    version: process.version,
    pid: node.pid,
    call: (n) => pool.run(increment, [n]),
    close: async () => {
      await pool.terminate()
      await node.close()
      await cluster.close()
    },
  }
}
