import { add, load, notify, type Steps, store, wait } from '@heddle/interleave'
import type { Bug } from './bug.ts'

/** index · meaning · LEFT: how often it is still to be counted down · ARRIVED: how often it was about to be */
const LEFT = 0
const ARRIVED = 1

const everybody = Number.POSITIVE_INFINITY

interface Latch {
  readonly countDown?: () => Steps<void>
  readonly wait?: () => Steps<void>
}

function* countsDown(): Steps<void> {
  if ((yield add(LEFT, -1)) === 1) yield notify(LEFT, everybody)
}

function* waits(): Steps<void> {
  for (let left = yield load(LEFT); left > 0; left = yield load(LEFT)) yield wait(LEFT, left)
}

/** Two threads count down to zero, others wait for it. */
function latch(waiters: readonly string[], { countDown = countsDown, wait: sleep = waits }: Latch = {}): Bug['faulty'] {
  function* counter(): Steps<void> {
    yield add(ARRIVED, 1)
    yield* countDown()
  }
  function* waiter(): Steps<void> {
    yield* sleep()
    if ((yield load(ARRIVED)) < 2) throw new Error('came through too early')
  }
  return {
    memory: { left: 2, arrived: 0 },
    threads: { a: counter, b: counter, ...Object.fromEntries(waiters.map((name) => [name, waiter])) },
  }
}

export const latchBugs: readonly Bug[] = [
  {
    name: 'latch: counts down in two steps',
    kind: 'deadlock',
    faulty: latch(['c'], {
      *countDown() {
        const left = (yield load(LEFT)) - 1
        yield store(LEFT, left)
        if (left === 0) yield notify(LEFT, everybody)
      },
    }),
    correct: latch(['c']),
  },
  {
    name: 'latch: sleeps on a value that has passed, since each count wakes one',
    kind: 'deadlock',
    faulty: latch(['c', 'd'], {
      *countDown() {
        yield add(LEFT, -1)
        yield notify(LEFT, 1)
      },
    }),
    correct: latch(['c', 'd']),
  },
  {
    name: 'latch: takes the result of the addition for the value after it',
    kind: 'deadlock',
    faulty: latch(['c'], {
      *countDown() {
        if ((yield add(LEFT, -1)) === 0) yield notify(LEFT, everybody)
      },
    }),
    correct: latch(['c']),
  },
  {
    name: 'latch: comes through at any change of the value',
    kind: 'exception',
    faulty: latch(['c'], {
      *wait() {
        if ((yield load(LEFT)) > 0) yield wait(LEFT, 2)
      },
    }),
    correct: latch(['c']),
  },
]
