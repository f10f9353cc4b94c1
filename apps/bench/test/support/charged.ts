import type { Batches } from '@heddle/bench/duels/batched.js'
import { timeOf } from '@heddle/bench/peers/pool/children.js'

/** As much of the peers' time as the system tells apart from its ticks of 10 ms, in microseconds. */
const enough = 100_000

/** Which part of the time that the peers have used for some batches it was charged with. */
export async function chargedOfPeers(side: Batches, peers: readonly number[], calls: number): Promise<number> {
  const before = timeOf(peers)
  let charged = 0
  let used = 0
  while (used < enough) {
    const own = process.cpuUsage()
    const { cpu } = await side.batch(calls)
    const { user, system } = process.cpuUsage(own)
    charged += cpu - user - system
    used = timeOf(peers) - before
  }
  return charged / used
}
