import type { Cost, Duel } from './report.js'

export interface Contender {
  /** One call, from the request to the answer. */
  readonly call: (n: number) => Promise<unknown>
  readonly close: () => Promise<unknown>
  /** The processor time that its other processes have used so far, in µs. */
  readonly elsewhere?: () => number
}

interface Sum {
  cpu: number
  wall: number
}

/**
 * Lets two contenders answer in turn, one call each, and sums up what each call costs on all processors together.
 * Who begins changes from call to call, so that what one leaves for later is charged to both alike.
 */
export async function runDuel(
  ours: Contender,
  rival: Contender,
  { rounds, calls }: { rounds: number; calls: number },
): Promise<Duel> {
  const duel: { ours: Cost[]; rival: Cost[] } = { ours: [], rival: [] }
  await alternate(ours, rival, Math.min(calls, 500))
  for (let round = 0; round < rounds; round++) {
    const elsewhere = { ours: ours.elsewhere?.() ?? 0, rival: rival.elsewhere?.() ?? 0 }
    const sums = await alternate(ours, rival, calls)
    sums.ours.cpu += (ours.elsewhere?.() ?? 0) - elsewhere.ours
    sums.rival.cpu += (rival.elsewhere?.() ?? 0) - elsewhere.rival
    duel.ours.push({ cpu: sums.ours.cpu / calls, wall: sums.ours.wall / calls })
    duel.rival.push({ cpu: sums.rival.cpu / calls, wall: sums.rival.wall / calls })
  }
  return duel
}

async function alternate(ours: Contender, rival: Contender, calls: number): Promise<{ ours: Sum; rival: Sum }> {
  const sums = { ours: { cpu: 0, wall: 0 }, rival: { cpu: 0, wall: 0 } }
  for (let n = 0; n < calls; n++) {
    if (n % 2 === 0) {
      await charge(ours, n, sums.ours)
      await charge(rival, n, sums.rival)
    } else {
      await charge(rival, n, sums.rival)
      await charge(ours, n, sums.ours)
    }
  }
  return sums
}

async function charge(contender: Contender, n: number, sum: Sum): Promise<void> {
  const cpu = process.cpuUsage()
  const wall = performance.now()
  const answer = await contender.call(n)
  sum.wall += (performance.now() - wall) * 1000
  const used = process.cpuUsage(cpu)
  sum.cpu += used.user + used.system
  if (answer !== n + 1) throw new Error(`a contender answered ${String(answer)} instead of ${n + 1}`)
}
