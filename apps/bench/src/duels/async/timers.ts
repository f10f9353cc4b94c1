import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { DuelRunner, Outcome } from '../../arena.js'
import { portions, type Sizes } from '../../batches.js'
import * as timers from '../../peers/async/timers.js'
import { percentile } from '../../peers/sync/writer-wait.js'
import type { Cost } from '../../report.js'

// A context that is made after the flag was set has the function that this one lacks.
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const tasks = 1_000_000
const fewerTasks = 200_000
const idleMs = 500

/** How late timers are while tasks are worked off. */
export const timerDuels: Readonly<Record<string, DuelRunner>> = {
  'timer-gap/idle': async (sizes) => {
    const ours = timers.heddle()
    const { calls } = portions(sizes, { calls: tasks, batches: 1 })
    return await gaps(
      sizes,
      3,
      process.version,
      () => timers.delaysWhileDraining(ours, calls),
      () => timers.delaysWhileIdle(idleMs),
    )
  },
  'timer-gap/p-limit': against(timers.pLimit),
  'timer-gap/p-queue': against(timers.pQueue),
  'timer-gap/fastq': against(timers.fastq),
}

/** With fewer tasks on both sides, since the timers of a peer wait for all of them. */
function against(peer: () => Promise<timers.Start>): DuelRunner {
  return async (sizes) => {
    const ours = timers.heddle()
    const rival = await peer()
    const { calls } = portions(sizes, { calls: fewerTasks, batches: 1 })
    return await gaps(
      sizes,
      2,
      rival.version,
      () => timers.delaysWhileDraining(ours, calls),
      () => timers.delaysWhileDraining(rival, calls),
    )
  }
}

async function gaps(
  sizes: Sizes,
  most: number,
  rivalVersion: string,
  ours: () => Promise<number[]>,
  rival: () => Promise<number[]>,
): Promise<Outcome> {
  const duel: { ours: Cost[]; rival: Cost[] } = { ours: [], rival: [] }
  // The first round is not counted: the code of both sides is compiled meanwhile.
  for (let round = -1; round < Math.min(sizes.rounds, most); round++) {
    const costs = [await gap(ours), await gap(rival)] as const
    if (round < 0) continue
    duel.ours.push(costs[0])
    duel.rival.push(costs[1])
  }
  return { duel, rivalVersion }
}

async function gap(delays: () => Promise<number[]>): Promise<Cost> {
  collectGarbage()
  // Timers may also fire early, and a ratio needs a number above nothing.
  const late = Math.max(0.001, percentile(await delays(), 99.9))
  // A delay is a time on the clock: there is no processor time to tell.
  return { cpu: late, wall: late }
}
