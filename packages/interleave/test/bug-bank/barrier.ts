import { add, type ExploreOptions, load, notify, type Steps, store, wait } from '@heddle/interleave'
import { alike, type Bug } from './bug.ts'

/**
 * index        · meaning
 * ARRIVED      · how many wait for the others
 * GENERATION   · how often the barrier has opened
 * ROUND_OF + i · the round that thread i has come to, for the test
 */
const ARRIVED = 0
const GENERATION = 1
const ROUND_OF = 1

const everybody = Number.POSITIVE_INFINITY

interface Variant {
  /** What the last one to come does. */
  readonly open?: () => Steps<void>
  /** What the others do. */
  readonly stay?: (generation: number) => Steps<void>
}

const barrier = ({ open = opens, stay = stays }: Variant = {}) =>
  function* (parties: number): Steps<void> {
    const generation = yield load(GENERATION)
    if ((yield add(ARRIVED, 1)) + 1 === parties) yield* open()
    else yield* stay(generation)
  }

function* opens(): Steps<void> {
  yield store(ARRIVED, 0)
  yield add(GENERATION, 1)
  yield notify(GENERATION, everybody)
}

function* stays(generation: number): Steps<void> {
  while ((yield load(GENERATION)) === generation) yield wait(GENERATION, generation)
}

/** Nobody may leave a round before all have come to it. */
function rounds(
  parties: number,
  count: number,
  pass: (parties: number) => Steps<void> = barrier(),
  rest: Partial<ExploreOptions> = {},
): ExploreOptions {
  return {
    memory: { arrived: 0, generation: 0, a: 0, b: 0, ...(parties > 2 && { c: 0 }) },
    threads: alike(parties, function* (me) {
      for (let round = 1; round <= count; round++) {
        yield store(ROUND_OF + me, round)
        yield* pass(parties)
        for (let other = 1; other <= parties; other++)
          if (other !== me && (yield load(ROUND_OF + other)) < round) throw new Error('left before all had come')
      }
    }),
    ...rest,
  }
}

export const barrierBugs: readonly Bug[] = [
  {
    name: 'barrier: opens before it starts to count anew',
    kind: 'deadlock',
    faulty: rounds(
      2,
      2,
      barrier({
        *open() {
          yield add(GENERATION, 1)
          yield store(ARRIVED, 0)
          yield notify(GENERATION, everybody)
        },
      }),
    ),
    correct: rounds(2, 2),
  },
  {
    name: 'barrier: does not start to count anew',
    kind: 'deadlock',
    faulty: rounds(
      2,
      2,
      barrier({
        *open() {
          yield add(GENERATION, 1)
          yield notify(GENERATION, everybody)
        },
      }),
    ),
    correct: rounds(2, 2),
  },
  {
    name: 'barrier: wakes one of those who wait',
    kind: 'deadlock',
    faulty: rounds(
      3,
      1,
      barrier({
        *open() {
          yield store(ARRIVED, 0)
          yield add(GENERATION, 1)
          yield notify(GENERATION, 1)
        },
      }),
    ),
    correct: rounds(3, 1),
  },
  {
    name: 'barrier: notifies before it opens',
    kind: 'deadlock',
    faulty: rounds(
      2,
      1,
      barrier({
        *open() {
          yield store(ARRIVED, 0)
          yield notify(GENERATION, everybody)
          yield add(GENERATION, 1)
        },
      }),
    ),
    correct: rounds(2, 1),
  },
  {
    name: 'barrier: reads the generation after it was counted',
    kind: 'deadlock',
    faulty: rounds(
      2,
      1,
      barrier({
        *stay() {
          yield* stays(yield load(GENERATION))
        },
      }),
    ),
    correct: rounds(2, 1),
  },
  {
    name: 'barrier: does not look at the generation after a wake-up',
    kind: 'exception',
    faulty: rounds(
      2,
      1,
      barrier({
        *stay(generation) {
          yield wait(GENERATION, generation)
        },
      }),
      { choices: { spurious: 1 } },
    ),
    correct: rounds(2, 1, barrier(), { choices: { spurious: 1 } }),
  },
  {
    name: 'barrier: opens when all but one have come',
    kind: 'exception',
    faulty: rounds(3, 1, (parties) => barrier()(parties - 1)),
    correct: rounds(3, 1),
  },
]
