import { add, checkpoint, type ExploreOptions, GAVE_UP, load, notify, store, wait } from '@heddle/interleave'
import { adders, type Bug, type Lock } from './bug.ts'

/** index · meaning · SERVING: the number whose turn it is · COUNT: see the adders · NEXT: the number that the next one draws */
const SERVING = 0
const NEXT = 2

const ticketLock: Lock = {
  *acquire() {
    const mine = yield add(NEXT, 1)
    for (;;) {
      const seen = yield load(SERVING)
      if (seen === mine) return true
      // A number cannot be given back: whoever has drawn one waits for it, whether he would like to give up or not.
      yield wait(SERVING, seen)
    }
  },
  *release() {
    yield add(SERVING, 1)
    yield notify(SERVING, Number.POSITIVE_INFINITY)
  },
}

const users = (lock: Lock, threads: number, rest: Partial<ExploreOptions> = {}) =>
  adders(lock, threads, { memory: { serving: 0, count: 0, next: 0 }, ...rest })

export const ticketLockBugs: readonly Bug[] = [
  {
    name: 'ticket lock: wakes one, who may have another number',
    kind: 'deadlock',
    faulty: users(
      {
        ...ticketLock,
        *release() {
          yield add(SERVING, 1)
          yield notify(SERVING, 1)
        },
      },
      3,
    ),
    correct: users(ticketLock, 3),
  },
  {
    name: 'ticket lock: a number is drawn in two steps',
    kind: 'final',
    faulty: users(
      {
        ...ticketLock,
        *acquire() {
          const mine = yield load(NEXT)
          yield store(NEXT, mine + 1)
          for (let seen = yield load(SERVING); seen < mine; seen = yield load(SERVING)) yield wait(SERVING, seen)
          return true
        },
      },
      2,
    ),
    correct: users(ticketLock, 2),
  },
  {
    name: 'ticket lock: sleeps while its own number is served',
    kind: 'deadlock',
    faulty: users(
      {
        ...ticketLock,
        *acquire() {
          const mine = yield add(NEXT, 1)
          for (;;) {
            yield checkpoint(mine)
            if ((yield load(SERVING)) === mine) return true
            yield wait(SERVING, mine)
          }
        },
      },
      2,
    ),
    correct: users(ticketLock, 2),
  },
  {
    name: 'ticket lock: goes away with a number that will be called',
    kind: 'deadlock',
    faulty: users(
      {
        ...ticketLock,
        *acquire() {
          const mine = yield add(NEXT, 1)
          for (let seen = yield load(SERVING); seen !== mine; seen = yield load(SERVING))
            if ((yield wait(SERVING, seen)) === GAVE_UP) return false
          return true
        },
      },
      3,
      { choices: { timeouts: 1 } },
    ),
    correct: users(ticketLock, 3, { choices: { timeouts: 1 } }),
  },
]
