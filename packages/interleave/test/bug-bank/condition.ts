import {
  add,
  checkpoint,
  compareExchange,
  type ExploreOptions,
  exchange,
  GAVE_UP,
  load,
  notify,
  type Steps,
  store,
  wait,
} from '@heddle/interleave'
import { type Bug, LOCK } from './bug.ts'

/**
 * index               · meaning
 * LOCK                · 1: held
 * NOT_EMPTY, NOT_FULL · the sequence words of two conditions, which change with each notification
 * FULL                · whether the buffer holds an item; it has room for one
 */
const NOT_EMPTY = 1
const NOT_FULL = 2
const FULL = 3

/** `at` is the place in the thread's code, and all else that matters of its past. */
function* lock(at: string): Steps<void> {
  for (;;) {
    yield checkpoint(at)
    if ((yield compareExchange(LOCK, 0, 1)) === 0) return
    yield wait(LOCK, 1)
  }
}

function* unlock(): Steps<void> {
  if ((yield exchange(LOCK, 0)) === 0) throw new Error('let go of a lock that nobody held')
  yield notify(LOCK, 1)
}

type Wait = (condition: number, at: string) => Steps<boolean>
type Notify = (condition: number) => Steps<void>

/** Lets go of the lock, sleeps, and holds the lock again in any case; false: it gave up. */
const conditionWait: Wait = function* (condition, at) {
  const sequence = yield load(condition)
  yield* unlock()
  const woken = (yield wait(condition, sequence)) !== GAVE_UP
  yield* lock(`${at} after ${woken}`)
  return woken
}

const notifyOne: Notify = function* (condition) {
  yield add(condition, 1)
  yield notify(condition, 1)
}

interface Buffer {
  readonly wait?: Wait
  readonly notify?: Notify
  /** Where a thread that waits for room sleeps. */
  readonly notFull?: number
  /** Whether a thread looks again after a wake-up. */
  readonly looksAgain?: boolean
  readonly putLocks?: boolean
}

/** Threads that each put or take so many items. */
function buffer(variant: Buffer, puts: number, takes: readonly number[], rest: Partial<ExploreOptions> = {}) {
  const { wait: sleep = conditionWait, notify: wake = notifyOne, notFull = NOT_FULL } = variant
  const { looksAgain = true, putLocks = true } = variant
  function* until(full: number, condition: number, at: string): Steps<boolean> {
    if ((yield load(FULL)) === full) return true
    do if (!(yield* sleep(condition, at))) return false
    while (looksAgain && (yield load(FULL)) !== full)
    return true
  }
  function* put(): Steps<void> {
    for (let i = 0; i < puts; i++) {
      if (putLocks) yield* lock(`put ${i}`)
      yield* until(0, notFull, `put ${i}`)
      if ((yield load(FULL)) !== 0) throw new Error('put an item over another one')
      yield store(FULL, 1)
      yield* wake(NOT_EMPTY)
      if (putLocks) yield* unlock()
    }
  }
  const take = (count: number) =>
    function* (): Steps<void> {
      for (let i = 0; i < count; i++) {
        yield* lock(`take ${i}`)
        if (yield* until(1, NOT_EMPTY, `take ${i}`)) {
          if ((yield load(FULL)) !== 1) throw new Error('took an item out of an empty buffer')
          yield store(FULL, 0)
          yield* wake(notFull)
        }
        yield* unlock()
      }
    }
  return {
    memory: { lock: 0, notEmpty: 0, notFull: 0, full: 0 },
    threads: { putter: put, ...Object.fromEntries(takes.map((count, i) => [`taker${i + 1}`, take(count)])) },
    ...rest,
  }
}

const takersGiveUp: Partial<ExploreOptions> = {
  choices: { timeouts: { budget: 1, threads: ['taker1', 'taker2'], certain: true } },
}

export const conditionBugs: readonly Bug[] = [
  {
    name: 'condition: reads the sequence after it has let go of the lock',
    kind: 'deadlock',
    faulty: buffer(
      {
        *wait(condition, at) {
          yield* unlock()
          yield wait(condition, yield load(condition))
          yield* lock(`${at} after`)
          return true
        },
      },
      1,
      [1],
    ),
    correct: buffer({}, 1, [1]),
  },
  {
    name: 'condition: sleeps on a word that a notification does not change',
    kind: 'deadlock',
    faulty: buffer(
      {
        *notify(condition) {
          yield notify(condition, 1)
        },
      },
      1,
      [1],
    ),
    correct: buffer({}, 1, [1]),
  },
  {
    name: 'condition: notifies before it changes the sequence',
    kind: 'deadlock',
    faulty: buffer(
      {
        *notify(condition) {
          yield notify(condition, 1)
          yield add(condition, 1)
        },
      },
      1,
      [1],
    ),
    correct: buffer({}, 1, [1]),
  },
  {
    name: 'condition: sleeps with the lock in its hands',
    kind: 'deadlock',
    faulty: buffer(
      {
        *wait(condition) {
          yield wait(condition, yield load(condition))
          return true
        },
      },
      1,
      [1],
    ),
    correct: buffer({}, 1, [1]),
  },
  {
    name: 'condition: what it is about changes without the lock',
    kind: 'deadlock',
    faulty: buffer({ putLocks: false }, 1, [1]),
    correct: buffer({}, 1, [1]),
  },
  {
    name: 'condition: does not take the lock again after a time-out',
    kind: 'exception',
    faulty: buffer(
      {
        *wait(condition, at) {
          const sequence = yield load(condition)
          yield* unlock()
          if ((yield wait(condition, sequence)) === GAVE_UP) return false
          yield* lock(`${at} after`)
          return true
        },
      },
      1,
      [1, 1],
      takersGiveUp,
    ),
    correct: buffer({}, 1, [1, 1], takersGiveUp),
  },
  {
    name: 'bounded buffer: tests its condition with if',
    kind: 'exception',
    faulty: buffer({ looksAgain: false }, 2, [1, 1]),
    correct: buffer({}, 2, [1, 1]),
  },
  {
    name: 'bounded buffer: one condition for both sides, and notify-one',
    kind: 'deadlock',
    faulty: buffer({ notFull: NOT_EMPTY }, 2, [1, 1]),
    correct: buffer({}, 2, [1, 1]),
  },
]
