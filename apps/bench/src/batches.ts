import type { Cost, Duel } from './report.js'

/** One side of a duel of operations that are too short to be timed one by one. */
export interface Side {
  /** Operations in one batch. */
  readonly calls: number
  /** Does that many operations and says what they cost all together, in µs. */
  readonly batch: (calls: number) => Promise<Cost>
  readonly close?: () => unknown
}

/** How much to measure. */
export interface Sizes {
  readonly rounds: number
  /** The most calls of a contender in one round; undefined: the duel's own number. */
  readonly calls?: number | undefined
}

/**
 * Charges a batch with the processor time that the whole process uses meanwhile, worker threads included, and with that of other
 * processes: `elsewhere` tells what they have used so far, in µs.
 */
export function charged(run: (calls: number) => unknown, elsewhere: () => number = () => 0): Side['batch'] {
  return async (calls) => {
    const others = elsewhere()
    const cpu = process.cpuUsage()
    const wall = performance.now()
    await run(calls)
    const elapsed = (performance.now() - wall) * 1000
    const { user, system } = process.cpuUsage(cpu)
    return { cpu: user + system + elsewhere() - others, wall: elapsed }
  }
}

/** Takes a batch by the clock alone, which then stands for the processor time as well. */
export function clocked(run: (calls: number) => unknown): Side['batch'] {
  return async (calls) => {
    const begun = performance.now()
    await run(calls)
    const wall = (performance.now() - begun) * 1000
    return { cpu: wall, wall }
  }
}

/**
 * The size of a batch and the number of batches in a round: a duel's own, or fewer if fewer calls were asked for. More would
 * not do: what suits operations of nanoseconds takes for ever with those of microseconds.
 */
export function portions(
  { calls }: Sizes,
  own: { calls: number; batches: number },
): { calls: number; batches: number } {
  if (calls === undefined || calls >= own.calls * own.batches) return own
  const batch = Math.min(calls, own.calls)
  return { calls: batch, batches: Math.ceil(calls / batch) }
}

/**
 * Lets two contenders run in turn, batch by batch, and gives what one operation of each cost in each round.
 * Who begins changes from batch to batch, so that what one leaves for later is charged to both alike.
 */
export async function runBatches(ours: Side, rival: Side, { rounds, calls }: Sizes, batches: number): Promise<Duel> {
  const duel: { ours: Cost[]; rival: Cost[] } = { ours: [], rival: [] }
  try {
    // The first are not counted: the code of both sides is compiled meanwhile. Whoever asks for fewer calls wants to see it run.
    const uncounted = calls === undefined ? 2 : 0
    for (let round = -uncounted; round < rounds; round++) {
      const sums = { ours: { cpu: 0, wall: 0 }, rival: { cpu: 0, wall: 0 } }
      for (let n = 0; n < batches; n++) {
        if (n % 2 === 0) await addBatch(ours, sums.ours)
        await addBatch(rival, sums.rival)
        if (n % 2 === 1) await addBatch(ours, sums.ours)
      }
      if (round < 0) continue
      duel.ours.push(perCall(sums.ours, batches * ours.calls))
      duel.rival.push(perCall(sums.rival, batches * rival.calls))
    }
  } finally {
    await Promise.all([ours.close?.(), rival.close?.()])
  }
  return duel
}

async function addBatch(side: Side, sum: { cpu: number; wall: number }): Promise<void> {
  const { cpu, wall } = await side.batch(side.calls)
  sum.cpu += cpu
  sum.wall += wall
}

function perCall({ cpu, wall }: Cost, calls: number): Cost {
  // The processor's clock counts whole microseconds: what it does not see took less than one, not nothing.
  return { cpu: Math.max(cpu, 1) / calls, wall: wall / calls }
}
