import {
  compareExchange,
  type ExploreOptions,
  GAVE_UP,
  load,
  notify,
  type Steps,
  store,
  wait,
} from '@heddle/interleave'
import { adders, type Bug, LOCK, type Lock } from './bug.ts'

/** index · meaning · SET: 1 if the event is set · DONE: 1 if what it announces has happened */
const SET = 0
const DONE = 1

interface ManualReset {
  readonly set?: () => Steps<void>
  readonly wait?: () => Steps<void>
}

const manualReset = ({ set = sets, wait: sleep = waits }: ManualReset = {}, rest: Partial<ExploreOptions> = {}) => {
  function* waiter(): Steps<void> {
    yield* sleep()
    if ((yield load(DONE)) === 0) throw new Error('came through before the event was set')
  }
  return {
    memory: { set: 0, done: 0 },
    threads: {
      setter: function* () {
        yield store(DONE, 1)
        yield* set()
      },
      a: waiter,
      b: waiter,
    },
    ...rest,
  }
}

function* sets(): Steps<void> {
  yield store(SET, 1)
  yield notify(SET, Number.POSITIVE_INFINITY)
}

function* waits(): Steps<void> {
  while ((yield load(SET)) === 0) yield wait(SET, 0)
}

/** An event that lets one thread through and is then not set. Set at the start, it is a lock. */
const autoReset: Lock = {
  *acquire() {
    while ((yield compareExchange(LOCK, 1, 0)) !== 1)
      if ((yield wait(LOCK, 0)) === GAVE_UP) {
        yield notify(LOCK, 1)
        return false
      }
    return true
  },
  *release() {
    yield store(LOCK, 1)
    yield notify(LOCK, 1)
  },
}

const passers = (event: Lock, threads: number, rest: Partial<ExploreOptions> = {}) =>
  adders(event, threads, { memory: { set: 1, count: 0 }, ...rest })

export const eventBugs: readonly Bug[] = [
  {
    name: 'manual-reset event: wakes one of those who wait',
    kind: 'deadlock',
    faulty: manualReset({
      *set() {
        yield store(SET, 1)
        yield notify(SET, 1)
      },
    }),
    correct: manualReset(),
  },
  {
    name: 'manual-reset event: notifies before it is set',
    kind: 'deadlock',
    faulty: manualReset({
      *set() {
        yield notify(SET, Number.POSITIVE_INFINITY)
        yield store(SET, 1)
      },
    }),
    correct: manualReset(),
  },
  {
    name: 'manual-reset event: takes any wake-up for the event',
    kind: 'exception',
    faulty: manualReset(
      {
        *wait() {
          if ((yield load(SET)) === 0) yield wait(SET, 0)
        },
      },
      { choices: { spurious: 1 } },
    ),
    correct: manualReset({}, { choices: { spurious: 1 } }),
  },
  {
    name: 'auto-reset event: two come through at one time',
    kind: 'final',
    faulty: passers(
      {
        ...autoReset,
        *acquire() {
          while ((yield load(LOCK)) === 0) yield wait(LOCK, 0)
          yield store(LOCK, 0)
          return true
        },
      },
      2,
    ),
    correct: passers(autoReset, 2),
  },
  {
    name: 'auto-reset event: one that gives up keeps the wake-up',
    kind: 'deadlock',
    faulty: passers(
      {
        ...autoReset,
        *acquire() {
          while ((yield compareExchange(LOCK, 1, 0)) !== 1) if ((yield wait(LOCK, 0)) === GAVE_UP) return false
          return true
        },
      },
      3,
      { choices: { aborts: 1 } },
    ),
    correct: passers(autoReset, 3, { choices: { aborts: 1 } }),
  },
]
