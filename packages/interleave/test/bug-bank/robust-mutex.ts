import {
  checkpoint,
  compareExchange,
  type ExploreOptions,
  exchange,
  isDead,
  load,
  notify,
  type Steps,
  store,
  wait,
} from '@heddle/interleave'
import { alike, type Bug, LOCK } from './bug.ts'

/**
 * value                      · meaning
 * 0                          · free
 * owner's participant << 1   · held
 * lowest bit, WAITERS        · somebody may be asleep
 * DIED                       · the system has seen the owner die
 *
 * What the lock protects are two words that are equal whenever nobody holds it. A thread that is killed between the two
 * leaves them different, for the next owner to mend.
 */
const WAITERS = 1
const DIED = 1 << 8
const FIRST = 1
const SECOND = 2

type Acquire = (me: number) => Steps<'clean' | 'owner died'>

interface Variant {
  /** Whether it asks about the owner it sees now, one it saw at first, only before its first sleep, or never. */
  readonly asks?: 'now' | 'at first' | 'once' | 'never'
  /** Whether one that takes over makes sure that nobody else has. */
  readonly compares?: boolean
  readonly repairs?: boolean
}

const acquire = ({ asks = 'now', compares = true }: Variant): Acquire =>
  function* (me) {
    let taken = me << 1
    let first = 0
    for (;;) {
      yield checkpoint([taken, first])
      const seen = yield load(LOCK)
      if (seen === 0) {
        if ((yield compareExchange(LOCK, 0, taken)) === 0) return 'clean'
        continue
      }
      first ||= seen >> 1
      const hasSlept = taken !== me << 1
      const mayAsk = asks === 'now' || asks === 'at first' || (asks === 'once' && !hasSlept)
      if (seen & DIED || (mayAsk && (yield isDead(asks === 'at first' ? first : seen >> 1)) === 1)) {
        if (!compares) yield store(LOCK, (me << 1) | WAITERS)
        else if ((yield compareExchange(LOCK, seen, (me << 1) | WAITERS)) !== seen) continue
        return 'owner died'
      }
      const contended = seen | WAITERS
      if (seen !== contended && (yield compareExchange(LOCK, seen, contended)) !== seen) continue
      yield wait(LOCK, contended)
      taken = (me << 1) | WAITERS
    }
  }

function robust(threads: number, variant: Variant = {}, rest: Partial<ExploreOptions> = {}): ExploreOptions {
  return {
    memory: { lock: 0, first: 0, second: 0 },
    threads: alike(threads, function* (me) {
      const how = yield* acquire(variant)(me)
      if (how === 'owner died' && variant.repairs !== false) yield store(SECOND, yield load(FIRST))
      const value = yield load(FIRST)
      if ((yield load(SECOND)) !== value) throw new Error('half of a change was seen')
      yield store(FIRST, value + 1)
      yield store(SECOND, value + 1)
      if ((yield exchange(LOCK, 0)) & WAITERS) yield notify(LOCK, 1)
    }),
    choices: { kills: 1 },
    slicedWaits: true,
    ...rest,
  }
}

export const robustMutexBugs: readonly Bug[] = [
  {
    name: 'robust mutex: nobody asks whether the owner is dead',
    kind: 'deadlock',
    faulty: robust(2, { asks: 'never' }),
    correct: robust(2),
  },
  {
    name: 'robust mutex: asks before it sleeps and not afterwards',
    kind: 'deadlock',
    faulty: robust(2, { asks: 'once' }),
    correct: robust(2),
  },
  {
    name: 'robust mutex: asks about an owner of the past, who has handed on the lock',
    kind: 'deadlock',
    faulty: robust(3, { asks: 'at first' }),
    correct: robust(3),
  },
  {
    name: 'robust mutex: two take over from one who died',
    kind: 'exception',
    faulty: robust(3, { compares: false }),
    correct: robust(3),
  },
  {
    name: 'robust mutex: one that takes over does not mend what it finds',
    kind: 'exception',
    faulty: robust(2, { repairs: false }),
    correct: robust(2),
  },
  {
    name: 'robust mutex: a death wakes those who sleep, and not one who is about to',
    kind: 'deadlock',
    faulty: robust(3, {}, { slicedWaits: false, ...atDeath({ marks: false, wakes: 'all' }) }),
    correct: robust(3, {}, { slicedWaits: false, ...atDeath({ marks: true, wakes: 'all' }) }),
  },
  {
    name: 'robust mutex: sleeps on after a wake-up that died with another sleeper',
    kind: 'deadlock',
    faulty: robust(3, {}, { slicedWaits: false, ...atDeath({ marks: true, wakes: 'sleepers of the owner' }) }),
    correct: robust(3, {}, { slicedWaits: false, ...atDeath({ marks: true, wakes: 'all' }) }),
  },
]

/** What the system does when a thread dies: marks its lock, and wakes all who sleep, at any death or at the owner's. */
function atDeath({
  marks,
  wakes,
}: {
  marks: boolean
  wakes: 'all' | 'sleepers of the owner'
}): Partial<ExploreOptions> {
  return {
    onKill({ words, notify: wake }, name) {
      const seen = words[LOCK] ?? 0
      const isOwner = ['a', 'b', 'c'].indexOf(name) + 1 === seen >> 1
      if (isOwner && marks) words[LOCK] = seen | DIED
      if (isOwner || wakes === 'all') wake(LOCK, Number.POSITIVE_INFINITY)
    },
  }
}
