import type { DuelRunner } from '../../arena.js'
import { portions, type Sizes } from '../../batches.js'
import * as limiters from '../../peers/async/limiters.js'
import type { Cost } from '../../report.js'
import { type Loop, type Own, pair, type Rival } from './duel.js'

const plenty: Own = { calls: 50_000, batches: 20 }

/** For how many seconds the limiter would let callers through, and how often: it is mostly waiting. */
const seconds = { alone: 1, beside: 0.6 }
const rounds = { alone: 5, beside: 3 }

/** Limiters that always have a permit, and limiters under load. */
export const limiterDuels: Readonly<Record<string, DuelRunner>> = {
  'limiter-try/limiter': tried(limiters.limiterTried, plenty),
  'limiter-try/rate-limiter-flexible': tried(limiters.flexible, plenty),
  'limiter-try/p-throttle': tried(limiters.pThrottle, plenty),
  'limiter-try/bottleneck': tried(limiters.bottleneck, { calls: 50_000, batches: 1 }, 500),

  'limiter-window/allowance-1000': allowed(1000),
  'limiter-window/limiter-1000': windowed(1000, limiters.limiterWindowed),
  'limiter-window/p-throttle-1000': windowed(1000, limiters.pThrottleStrict),
  'limiter-window/p-queue-1000': windowed(1000, limiters.pQueueStrict),
  'limiter-window/allowance-20000': allowed(20_000),
  'limiter-window/limiter-20000': windowed(20_000, limiters.limiterWindowed),
  // It lets one through in a millisecond after the first window, whatever it was asked for.
  'limiter-window/p-throttle-20000': windowed(20_000, limiters.pThrottleStrict, 0.13),
  'limiter-window/p-queue-20000': windowed(20_000, limiters.pQueueStrict),
}

function tried(peer: () => Promise<Rival>, own: Own, less = 1): DuelRunner {
  return pair(async (): Promise<[Loop, Rival]> => [limiters.heddleTried(), await peer()], own, less)
}

/** Ours beside what it was told: no window may hold more. */
function allowed(perSecond: number): DuelRunner {
  return async (sizes) => {
    const backlog = backlogOf(perSecond, seconds.alone, sizes)
    const ours: Cost[] = []
    for (let round = 0; round < Math.min(sizes.rounds, rounds.alone); round++)
      ours.push(await measured(limiters.heddleStrict, backlog))
    const told = { cpu: backlog.allowance, wall: (backlog.allowance * 1000) / limiters.windowMs }
    return { duel: { ours, rival: ours.map(() => told) }, rivalVersion: process.version }
  }
}

function windowed(perSecond: number, peer: () => Promise<limiters.Windowed>, busy = seconds.beside): DuelRunner {
  return async (sizes) => {
    const rival = await peer()
    const duel: { ours: Cost[]; rival: Cost[] } = { ours: [], rival: [] }
    for (let round = 0; round < Math.min(sizes.rounds, rounds.beside); round++) {
      duel.ours.push(await measured(limiters.heddleStrict, backlogOf(perSecond, seconds.beside, sizes)))
      duel.rival.push(await measured(rival, backlogOf(perSecond, busy, sizes)))
    }
    return { duel, rivalVersion: rival.version }
  }
}

interface Backlog {
  readonly callers: number
  /** Permits in a window. */
  readonly allowance: number
}

/** The callers that keep a limiter busy for so many seconds; if fewer were asked for, they fill three smaller windows. */
function backlogOf(perSecond: number, busy: number, sizes: Sizes): Backlog {
  const own = Math.ceil(perSecond * busy)
  const { calls: callers } = portions(sizes, { calls: own, batches: 1 })
  const allowance = callers < own ? Math.ceil(callers / 3) : (perSecond * limiters.windowMs) / 1000
  return { callers, allowance }
}

async function measured({ limiter }: limiters.Windowed, { callers, allowance }: Backlog): Promise<Cost> {
  const { most, perSecond } = await limiters.mostInWindow(limiter(allowance), callers, allowance)
  return { cpu: most, wall: perSecond }
}
