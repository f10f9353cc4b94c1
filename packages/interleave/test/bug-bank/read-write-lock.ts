import { add, compareExchange, exchange, load, notify, type Steps, store, wait } from '@heddle/interleave'
import type { Bug } from './bug.ts'

/**
 * index         · meaning
 * STATE         · -1: a writer has it; 0: free; n: so many readers have it
 * FIRST, SECOND · equal unless a writer is at work
 */
const STATE = 0
const FIRST = 1
const SECOND = 2

const everybody = Number.POSITIVE_INFINITY

interface ReadWriteLock {
  readonly enterRead: () => Steps<void>
  readonly leaveRead: () => Steps<void>
  readonly enterWrite: () => Steps<void>
  readonly leaveWrite: () => Steps<void>
  /** From a reader to a writer; others may have written in between. */
  readonly upgrade: () => Steps<void>
}

const lock: ReadWriteLock = {
  *enterRead() {
    for (;;) {
      const seen = yield load(STATE)
      if (seen < 0) yield wait(STATE, seen)
      else if ((yield compareExchange(STATE, seen, seen + 1)) === seen) return
    }
  },
  *leaveRead() {
    if ((yield add(STATE, -1)) === 1) yield notify(STATE, everybody)
  },
  *enterWrite() {
    for (;;) {
      const seen = yield compareExchange(STATE, 0, -1)
      if (seen === 0) return
      yield wait(STATE, seen)
    }
  },
  *leaveWrite() {
    yield store(STATE, 0)
    yield notify(STATE, everybody)
  },
  *upgrade() {
    yield* lock.leaveRead()
    yield* lock.enterWrite()
  },
}

const roles = {
  *reader({ enterRead, leaveRead }: ReadWriteLock): Steps<void> {
    yield* enterRead()
    const first = yield load(FIRST)
    if ((yield load(SECOND)) !== first) throw new Error('half of a change was seen')
    yield* leaveRead()
  },
  *writer({ enterWrite, leaveWrite }: ReadWriteLock): Steps<void> {
    yield* enterWrite()
    const value = (yield load(FIRST)) + 1
    yield store(FIRST, value)
    yield store(SECOND, value)
    yield* leaveWrite()
  },
  *upgrader({ enterRead, upgrade, leaveWrite }: ReadWriteLock): Steps<void> {
    yield* enterRead()
    yield* upgrade()
    yield* leaveWrite()
  },
}

const users = (names: readonly (keyof typeof roles)[], changes: Partial<ReadWriteLock> = {}): Bug['faulty'] => ({
  memory: { state: 0, first: 0, second: 0 },
  threads: Object.fromEntries(names.map((role, i) => [`${role}${i + 1}`, () => roles[role]({ ...lock, ...changes })])),
})

export const readWriteLockBugs: readonly Bug[] = [
  {
    name: 'read-write lock: the last reader wakes nobody',
    kind: 'deadlock',
    faulty: users(['reader', 'writer'], {
      *leaveRead() {
        yield add(STATE, -1)
      },
    }),
    correct: users(['reader', 'writer']),
  },
  {
    name: 'read-write lock: a writer looks for writers only',
    kind: 'exception',
    faulty: users(['reader', 'writer'], {
      *enterWrite() {
        while ((yield exchange(STATE, -1)) < 0) yield wait(STATE, -1)
      },
    }),
    correct: users(['reader', 'writer']),
  },
  {
    name: 'read-write lock: a reader looks and enters in two steps',
    kind: 'exception',
    faulty: users(['reader', 'writer'], {
      *enterRead() {
        for (let seen = yield load(STATE); seen < 0; seen = yield load(STATE)) yield wait(STATE, seen)
        yield add(STATE, 1)
      },
    }),
    correct: users(['reader', 'writer']),
  },
  {
    name: 'read-write lock: readers leave in two steps',
    kind: 'deadlock',
    faulty: users(['reader', 'reader', 'writer'], {
      *leaveRead() {
        const seen = yield load(STATE)
        yield store(STATE, seen - 1)
        if (seen === 1) yield notify(STATE, everybody)
      },
    }),
    correct: users(['reader', 'reader', 'writer']),
  },
  {
    name: 'read-write lock: one wake-up for all who wait',
    kind: 'deadlock',
    faulty: users(['writer', 'writer', 'reader'], {
      *leaveWrite() {
        yield store(STATE, 0)
        yield notify(STATE, 1)
      },
      *leaveRead() {
        yield add(STATE, -1)
      },
    }),
    correct: users(['writer', 'writer', 'reader']),
  },
  {
    name: 'read-write lock: two readers wait for each other to become the writer',
    kind: 'deadlock',
    faulty: users(['upgrader', 'upgrader'], {
      *upgrade() {
        for (;;) {
          const seen = yield compareExchange(STATE, 1, -1)
          if (seen === 1) return
          yield wait(STATE, seen)
        }
      },
    }),
    correct: users(['upgrader', 'upgrader']),
  },
]
