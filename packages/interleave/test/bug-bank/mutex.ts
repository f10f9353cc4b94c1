import { compareExchange, exchange, GAVE_UP, load, notify, type Steps, store, wait } from '@heddle/interleave'
import { adders, addOne, alike, type Bug, COUNT, LOCK, type Lock } from './bug.ts'

/**
 * value · meaning
 * 0     · free
 * 1     · held
 * 2     · held, and somebody may be asleep
 *
 * Source: Ulrich Drepper, "Futexes Are Tricky", mutex 3, https://www.akkadia.org/drepper/futex.pdf
 */
export const mutex: Lock = {
  *acquire() {
    let seen = yield compareExchange(LOCK, 0, 1)
    if (seen === 0) return true
    if (seen !== 2) seen = yield exchange(LOCK, 2)
    while (seen !== 0) {
      if ((yield wait(LOCK, 2)) === GAVE_UP) {
        // The wake-up may have been meant for somebody else.
        yield notify(LOCK, 1)
        return false
      }
      seen = yield exchange(LOCK, 2)
    }
    return true
  },
  *release() {
    if ((yield exchange(LOCK, 0)) === 2) yield notify(LOCK, 1)
  },
}

/** Found by three threads only: with two there is nobody whose sleep the 1 could hide. */
export const takesWithOne: Lock = {
  ...mutex,
  *acquire() {
    if ((yield compareExchange(LOCK, 0, 1)) === 0) return true
    for (;;) {
      if ((yield load(LOCK)) === 2 || (yield compareExchange(LOCK, 1, 2)) !== 0) yield wait(LOCK, 2)
      if ((yield compareExchange(LOCK, 0, 1)) === 0) return true
    }
  },
}

/** `leaving`: what it does on its way out. */
const givesUp = (leaving?: () => Steps<void>): Lock => ({
  ...mutex,
  *acquire() {
    if ((yield compareExchange(LOCK, 0, 1)) === 0) return true
    while ((yield exchange(LOCK, 2)) !== 0) {
      if ((yield wait(LOCK, 2)) !== GAVE_UP) continue
      if (leaving) yield* leaving()
      return false
    }
    return true
  },
})

export const mutexBugs: readonly Bug[] = [
  {
    name: 'mutex: one that has slept takes it as if nobody slept',
    kind: 'deadlock',
    faulty: adders(takesWithOne, 3),
    correct: adders(mutex, 3),
  },
  {
    name: 'mutex: a release does not notify',
    kind: 'deadlock',
    faulty: adders(
      {
        ...mutex,
        *release() {
          yield store(LOCK, 0)
        },
      },
      2,
    ),
    correct: adders(mutex, 2),
  },
  {
    name: 'mutex: a release notifies first',
    kind: 'deadlock',
    faulty: adders(
      {
        ...mutex,
        *release() {
          yield notify(LOCK, 1)
          yield store(LOCK, 0)
        },
      },
      2,
    ),
    correct: adders(mutex, 2),
  },
  {
    name: 'mutex: a release looks for sleepers before it lets go',
    kind: 'deadlock',
    faulty: adders(
      {
        ...mutex,
        *release() {
          const seen = yield load(LOCK)
          yield store(LOCK, 0)
          if (seen === 2) yield notify(LOCK, 1)
        },
      },
      2,
    ),
    correct: adders(mutex, 2),
  },
  {
    name: 'mutex: a release looks for sleepers after it has let go',
    kind: 'deadlock',
    faulty: adders(
      {
        ...mutex,
        *release() {
          yield store(LOCK, 0)
          if ((yield load(LOCK)) === 2) yield notify(LOCK, 1)
        },
      },
      2,
    ),
    correct: adders(mutex, 2),
  },
  {
    name: 'mutex: sleeps on whatever the word is',
    kind: 'deadlock',
    faulty: adders(
      {
        ...mutex,
        *acquire() {
          if ((yield compareExchange(LOCK, 0, 1)) === 0) return true
          while ((yield exchange(LOCK, 2)) !== 0) yield wait(LOCK, yield load(LOCK))
          return true
        },
      },
      2,
    ),
    correct: adders(mutex, 2),
  },
  {
    name: 'mutex: looks and takes in two steps',
    kind: 'final',
    faulty: adders(
      {
        ...mutex,
        *acquire(me) {
          if ((yield load(LOCK)) !== 0) return yield* mutex.acquire(me)
          yield store(LOCK, 1)
          return true
        },
      },
      2,
    ),
    correct: adders(mutex, 2),
  },
  {
    name: 'mutex: takes a wake-up for the lock itself',
    kind: 'final',
    faulty: adders(
      {
        ...mutex,
        *acquire() {
          if ((yield compareExchange(LOCK, 0, 1)) !== 0 && (yield exchange(LOCK, 2)) !== 0) yield wait(LOCK, 2)
          return true
        },
      },
      3,
    ),
    correct: adders(mutex, 3),
  },
  {
    name: 'mutex: lets go before its last write',
    kind: 'final',
    faulty: {
      ...adders(mutex, 2),
      threads: alike(2, function* (me) {
        yield* mutex.acquire(me)
        const seen = yield load(COUNT)
        yield* mutex.release(me)
        yield store(COUNT, seen + 1)
        return 1
      }),
    },
    correct: adders(mutex, 2),
  },
  {
    name: 'mutex: two are taken in opposite order',
    kind: 'deadlock',
    faulty: inOrder([0, 1], [1, 0]),
    correct: inOrder([0, 1], [0, 1]),
  },
  {
    name: 'mutex: gives up and keeps the wake-up',
    kind: 'deadlock',
    faulty: adders(givesUp(), 3, { choices: { aborts: 1 } }),
    correct: adders(mutex, 3, { choices: { aborts: 1 } }),
  },
  {
    name: 'mutex: gives up and takes the mark of the others away',
    kind: 'deadlock',
    faulty: adders(
      givesUp(function* () {
        yield compareExchange(LOCK, 2, 1)
      }),
      3,
      { choices: { timeouts: 1 } },
    ),
    correct: adders(mutex, 3, { choices: { timeouts: 1 } }),
  },
  {
    name: 'mutex: gives up although its last try took it',
    kind: 'deadlock',
    faulty: adders(
      givesUp(function* () {
        yield compareExchange(LOCK, 0, 2)
        yield notify(LOCK, 1)
      }),
      3,
      { choices: { aborts: 1 } },
    ),
    correct: adders(mutex, 3, { choices: { aborts: 1 } }),
  },
]

/** Two threads that each take two locks. Nobody else waits for them, so a plain flag does. */
function inOrder(...orders: readonly (readonly [number, number])[]): Bug['faulty'] {
  const take = function* (index: number): Steps<void> {
    while ((yield exchange(index, 1)) !== 0) yield wait(index, 1)
  }
  const letGo = function* (index: number): Steps<void> {
    yield store(index, 0)
    yield notify(index, 1)
  }
  const threads = orders.map(
    ([first, second], thread) =>
      [
        thread === 0 ? 'a' : 'b',
        function* (): Steps<void> {
          yield* take(first)
          yield* take(second)
          yield* addOne(2)
          yield* letGo(second)
          yield* letGo(first)
        },
      ] as const,
  )
  return {
    memory: { first: 0, second: 0, count: 0 },
    threads: Object.fromEntries(threads),
    final: ({ memory }) => memory[2] === 2,
  }
}
