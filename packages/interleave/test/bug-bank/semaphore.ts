import {
  add,
  checkpoint,
  compareExchange,
  type ExploreOptions,
  GAVE_UP,
  load,
  notify,
  type Steps,
  store,
  wait,
} from '@heddle/interleave'
import { alike, type Bug } from './bug.ts'

/**
 * index   · value             · meaning
 * PERMITS · free permits << 1 · the lowest bit: somebody may be asleep
 * INSIDE  · whole number      · the threads that have a permit, as the test counts them
 */
const PERMITS = 0
const INSIDE = 1
const WAITERS = 1
const ONE = 2

interface Semaphore {
  readonly acquire: () => Steps<boolean>
  readonly release: () => Steps<void>
}

const everybody = Number.POSITIVE_INFINITY

const semaphore: Semaphore = {
  *acquire() {
    for (;;) {
      yield checkpoint('acquires')
      const seen = yield load(PERMITS)
      if (seen >= ONE) {
        if ((yield compareExchange(PERMITS, seen, seen - ONE)) === seen) return true
        continue
      }
      if (seen !== WAITERS && (yield compareExchange(PERMITS, seen, WAITERS)) !== seen) continue
      if ((yield wait(PERMITS, WAITERS)) === GAVE_UP) return false
    }
  },
  *release() {
    for (;;) {
      yield checkpoint('releases')
      const seen = yield load(PERMITS)
      if ((yield compareExchange(PERMITS, seen, (seen & ~WAITERS) + ONE)) !== seen) continue
      if (seen & WAITERS) yield notify(PERMITS, everybody)
      return
    }
  },
}

/** With one permit: nobody may be inside together with somebody else, and in the end the permit is free. */
function users({ acquire, release }: Semaphore, threads: number, rest: Partial<ExploreOptions> = {}): ExploreOptions {
  return {
    memory: { permits: ONE, inside: 0 },
    threads: alike(threads, function* () {
      if (!(yield* acquire())) return
      yield add(INSIDE, 1)
      yield add(INSIDE, -1)
      yield* release()
    }),
    invariant: ({ memory }) => (memory[INSIDE] ?? 0) <= 1 || 'more are inside than there are permits',
    final: ({ memory }) => (memory[PERMITS] ?? 0) >> 1 === 1 || 'a permit was lost or made up',
    ...rest,
  }
}

export const semaphoreBugs: readonly Bug[] = [
  {
    name: 'semaphore: a release takes the mark of all and wakes one',
    kind: 'deadlock',
    faulty: users(
      {
        ...semaphore,
        *release() {
          for (;;) {
            const seen = yield load(PERMITS)
            if ((yield compareExchange(PERMITS, seen, (seen & ~WAITERS) + ONE)) !== seen) continue
            if (seen & WAITERS) yield notify(PERMITS, 1)
            return
          }
        },
      },
      3,
    ),
    correct: users(semaphore, 3),
  },
  {
    name: 'semaphore: one that was woken does not count its permit',
    kind: 'final',
    faulty: users(
      {
        ...semaphore,
        *acquire() {
          for (;;) {
            const seen = yield load(PERMITS)
            if (seen >= ONE) {
              if ((yield compareExchange(PERMITS, seen, seen - ONE)) === seen) return true
            } else if (seen === WAITERS || (yield compareExchange(PERMITS, seen, WAITERS)) === seen) {
              yield wait(PERMITS, WAITERS)
              if ((yield load(PERMITS)) >= ONE) return true
            }
          }
        },
      },
      2,
    ),
    correct: users(semaphore, 2),
  },
  {
    name: 'semaphore: a permit is taken in two steps',
    kind: 'final',
    faulty: users(
      {
        ...semaphore,
        *acquire() {
          const seen = yield load(PERMITS)
          if (seen < ONE) return yield* semaphore.acquire()
          yield store(PERMITS, seen - ONE)
          return true
        },
      },
      2,
    ),
    correct: users(semaphore, 2),
  },
  {
    name: 'semaphore: a permit is given back in two steps',
    kind: 'deadlock',
    faulty: users(
      {
        ...semaphore,
        *release() {
          const seen = yield load(PERMITS)
          yield store(PERMITS, (seen & ~WAITERS) + ONE)
          if (seen & WAITERS) yield notify(PERMITS, everybody)
        },
      },
      2,
    ),
    correct: users(semaphore, 2),
  },
  {
    name: 'semaphore: sleeps without leaving a mark',
    kind: 'deadlock',
    faulty: users(
      {
        ...semaphore,
        *acquire() {
          for (;;) {
            const seen = yield load(PERMITS)
            if (seen >= ONE && (yield compareExchange(PERMITS, seen, seen - ONE)) === seen) return true
            if (seen < ONE) yield wait(PERMITS, seen)
          }
        },
      },
      2,
    ),
    correct: users(semaphore, 2),
  },
  {
    name: 'semaphore: a release notifies first',
    kind: 'deadlock',
    faulty: users(
      {
        ...semaphore,
        *release() {
          const seen = yield load(PERMITS)
          if (seen & WAITERS) yield notify(PERMITS, everybody)
          yield add(PERMITS, ONE - (seen & WAITERS))
        },
      },
      2,
    ),
    correct: users(semaphore, 2),
  },
  {
    name: 'semaphore: one that has given up gives back a permit all the same',
    kind: 'final',
    faulty: users(
      {
        ...semaphore,
        *acquire() {
          const acquired = yield* semaphore.acquire()
          if (!acquired) yield* semaphore.release()
          return acquired
        },
      },
      3,
      { choices: { timeouts: 1 } },
    ),
    correct: users(semaphore, 3, { choices: { timeouts: 1 } }),
  },
]
