import { add, compareExchange, load, notify, type Steps, spinHint, store, wait } from '@heddle/interleave'
import { addOne, alike, type Bug } from './bug.ts'

/** SEQUENCE: odd while a writer is at work · FIRST, SECOND: equal when it is even */
const SEQUENCE = 0
const FIRST = 1
const SECOND = 2

interface SequenceLock {
  readonly write?: () => Steps<void>
  /** Whether a reader looks at the sequence again when it has read. */
  readonly looksAgain?: boolean
}

function* writes(): Steps<void> {
  yield add(SEQUENCE, 1)
  yield store(FIRST, 1)
  yield store(SECOND, 1)
  yield add(SEQUENCE, 1)
}

const sequenceLock = ({ write = writes, looksAgain = true }: SequenceLock = {}): Bug['faulty'] => ({
  memory: { sequence: 0, first: 0, second: 0 },
  threads: {
    writer: write,
    *reader() {
      for (;;) {
        const seen = yield load(SEQUENCE)
        if (seen % 2 === 0) {
          const first = yield load(FIRST)
          const second = yield load(SECOND)
          if (!looksAgain || (yield load(SEQUENCE)) === seen) {
            if (first !== second) throw new Error('half of a change was seen')
            return
          }
        }
        yield spinHint()
      }
    },
  },
})

/** INTERESTED + i: thread i wants to enter · TURN: who gives way · COUNT: what is protected */
const INTERESTED = 0
const TURN = 2
const COUNT = 3

/** Source: G. L. Peterson, "Myths About the Mutual Exclusion Problem", Information Processing Letters 12 (1981) */
const peterson = (enter: (me: number, other: number) => Steps<void>): Bug['faulty'] => ({
  memory: { a: 0, b: 0, turn: 0, count: 0 },
  threads: alike(2, function* (participant) {
    const me = participant - 1
    const other = 1 - me
    yield* enter(me, other)
    while ((yield load(INTERESTED + other)) === 1 && (yield load(TURN)) === me) yield spinHint()
    yield* addOne(COUNT)
    yield store(INTERESTED + me, 0)
  }),
  final: ({ memory }) => memory[COUNT] === 2 || 'an addition was lost',
})

const entersCorrectly = peterson(function* (me) {
  yield store(INTERESTED + me, 1)
  yield store(TURN, me)
})

/** BEGUN: 0: nobody has, 1: somebody has, 2: it is done · VALUE: how often it was made */
const BEGUN = 0
const VALUE = 1

const once = (begin: () => Steps<boolean>, finish: () => Steps<void>): Bug['faulty'] => ({
  memory: { begun: 0, value: 0 },
  threads: alike(2, function* () {
    if (yield* begin()) yield* finish()
    else for (let seen = yield load(BEGUN); seen !== 2; seen = yield load(BEGUN)) yield wait(BEGUN, seen)
    return yield load(VALUE)
  }),
  final: (_, results) => Object.values(results).every((value) => value === 1) || 'it was not made once',
})

function* beginsAlone(): Steps<boolean> {
  return (yield compareExchange(BEGUN, 0, 1)) === 0
}

function* makesAndSaysSo(): Steps<void> {
  yield add(VALUE, 1)
  yield store(BEGUN, 2)
  yield notify(BEGUN, Number.POSITIVE_INFINITY)
}

export const lockFreeBugs: readonly Bug[] = [
  {
    name: 'sequence lock: a reader does not look at the sequence again',
    kind: 'exception',
    faulty: sequenceLock({ looksAgain: false }),
    correct: sequenceLock(),
  },
  {
    name: 'sequence lock: a writer counts only when it is done',
    kind: 'exception',
    faulty: sequenceLock({
      *write() {
        yield store(FIRST, 1)
        yield store(SECOND, 1)
        yield add(SEQUENCE, 2)
      },
    }),
    correct: sequenceLock(),
  },
  {
    name: 'sequence lock: a writer does not count at the end, and readers spin for ever',
    kind: 'stuck',
    faulty: sequenceLock({
      *write() {
        yield add(SEQUENCE, 1)
        yield store(FIRST, 1)
        yield store(SECOND, 1)
      },
    }),
    correct: sequenceLock(),
  },
  {
    name: "Peterson's lock: gives way before it says that it is interested",
    kind: 'final',
    faulty: peterson(function* (me) {
      yield store(TURN, me)
      yield store(INTERESTED + me, 1)
    }),
    correct: entersCorrectly,
  },
  {
    name: "Peterson's lock: gives way to itself",
    kind: 'final',
    faulty: peterson(function* (me, other) {
      yield store(INTERESTED + me, 1)
      yield store(TURN, other)
    }),
    correct: entersCorrectly,
  },
  {
    name: 'once: two begin',
    kind: 'final',
    faulty: once(function* () {
      if ((yield load(BEGUN)) !== 0) return false
      yield store(BEGUN, 1)
      return true
    }, makesAndSaysSo),
    correct: once(beginsAlone, makesAndSaysSo),
  },
  {
    name: 'once: says that it is done before it is',
    kind: 'final',
    faulty: once(beginsAlone, function* () {
      yield store(BEGUN, 2)
      yield notify(BEGUN, Number.POSITIVE_INFINITY)
      yield add(VALUE, 1)
    }),
    correct: once(beginsAlone, makesAndSaysSo),
  },
]
