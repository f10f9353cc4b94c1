import { compareExchange, exchange, load, notify, type Steps, store, wait } from '@heddle/interleave'
import type { Bug } from './bug.ts'

/**
 * index          · meaning
 * TAKEN          · how many items were ever taken
 * ADDED          · how many were ever added, << 1; the lowest bit: closed
 * CLOSED         · where a closing is noted that is wrong
 * SLOTS + n % 2  · item n; 0: none
 */
const TAKEN = 0
const ADDED = 1
const CLOSED = 2
const SLOTS = 3
const CAPACITY = 2

const everybody = Number.POSITIVE_INFINITY
const slotOf = (position: number) => SLOTS + (position % CAPACITY)

interface Queue {
  readonly put: (item: number) => Steps<void>
  /** 0: closed and empty. */
  readonly take: () => Steps<number>
  readonly close: () => Steps<void>
}

const queue: Queue = {
  *put(item) {
    const position = (yield load(ADDED)) >> 1
    yield* untilThereIsSpace(position, CAPACITY)
    yield store(slotOf(position), item)
    yield store(ADDED, (position + 1) << 1)
    yield notify(ADDED, everybody)
  },
  *take() {
    for (;;) {
      const position = yield load(TAKEN)
      const added = yield load(ADDED)
      if (added >> 1 > position) {
        const item = yield load(slotOf(position))
        if ((yield compareExchange(TAKEN, position, position + 1)) !== position) continue
        yield notify(TAKEN, 1)
        return item
      }
      if (added & 1) return 0
      yield wait(ADDED, added)
    }
  },
  *close() {
    const added = yield load(ADDED)
    yield store(ADDED, added | 1)
    yield notify(ADDED, everybody)
  },
}

function* untilThereIsSpace(position: number, capacity: number): Steps<void> {
  for (let taken = yield load(TAKEN); position - taken >= capacity; taken = yield load(TAKEN)) yield wait(TAKEN, taken)
}

/** One thread puts 1, 2, 3, … and closes; the others take until the end. Each item must come out once, in order. */
function users(items: number, takers: readonly string[], changes: Partial<Queue> = {}): Bug['faulty'] {
  const { put, take, close } = { ...queue, ...changes }
  return {
    memory: { taken: 0, added: 0, closed: 0, slot0: 0, slot1: 0 },
    threads: {
      producer: function* () {
        for (let item = 1; item <= items; item++) yield* put(item)
        yield* close()
        return []
      },
      ...Object.fromEntries(
        takers.map((name) => [
          name,
          function* () {
            const taken: number[] = []
            for (let item = yield* take(); item !== 0; item = yield* take()) {
              if (item <= (taken.at(-1) ?? 0)) throw new Error('an item came out of order')
              taken.push(item)
            }
            return taken
          },
        ]),
      ),
    },
    final(_snapshot, results) {
      const taken = (Object.values(results) as readonly (readonly number[])[]).flat()
      return taken.length === items && new Set(taken).size === items ? undefined : 'items were lost or doubled'
    },
  }
}

export const queueBugs: readonly Bug[] = [
  {
    name: 'queue: says that an item is there before it is',
    kind: 'final',
    faulty: users(2, ['taker'], {
      *put(item) {
        const position = (yield load(ADDED)) >> 1
        yield* untilThereIsSpace(position, CAPACITY)
        yield store(ADDED, (position + 1) << 1)
        yield store(slotOf(position), item)
        yield notify(ADDED, everybody)
      },
    }),
    correct: users(2, ['taker']),
  },
  {
    name: 'queue: takes one item more than fits',
    kind: 'exception',
    faulty: users(3, ['taker'], {
      *put(item) {
        const position = (yield load(ADDED)) >> 1
        yield* untilThereIsSpace(position, CAPACITY + 1)
        yield store(slotOf(position), item)
        yield store(ADDED, (position + 1) << 1)
        yield notify(ADDED, everybody)
      },
    }),
    correct: users(3, ['taker']),
  },
  {
    name: 'queue: two take the same item',
    kind: 'final',
    faulty: users(1, ['taker1', 'taker2'], {
      *take() {
        for (;;) {
          const position = yield load(TAKEN)
          const added = yield load(ADDED)
          if (added >> 1 > position) {
            const item = yield load(slotOf(position))
            yield store(TAKEN, position + 1)
            yield notify(TAKEN, 1)
            return item
          }
          if (added & 1) return 0
          yield wait(ADDED, added)
        }
      },
    }),
    correct: users(1, ['taker1', 'taker2']),
  },
  {
    name: 'queue: wakes its own side',
    kind: 'deadlock',
    faulty: users(2, ['taker'], {
      *close() {
        const added = yield load(ADDED)
        yield store(ADDED, added | 1)
        yield notify(TAKEN, everybody)
      },
    }),
    correct: users(2, ['taker']),
  },
  {
    name: 'queue: closes without waking who waits',
    kind: 'deadlock',
    faulty: users(1, ['taker1', 'taker2'], {
      *close() {
        const added = yield load(ADDED)
        yield exchange(ADDED, added | 1)
      },
    }),
    correct: users(1, ['taker1', 'taker2']),
  },
  {
    name: 'queue: closes in a word that nobody sleeps on',
    kind: 'deadlock',
    faulty: users(1, ['taker'], {
      *take() {
        for (;;) {
          const position = yield load(TAKEN)
          const added = yield load(ADDED)
          if (added >> 1 > position) {
            const item = yield load(slotOf(position))
            if ((yield compareExchange(TAKEN, position, position + 1)) === position) return item
          } else if ((yield load(CLOSED)) === 1) return 0
          else yield wait(ADDED, added)
        }
      },
      *close() {
        yield store(CLOSED, 1)
        yield notify(ADDED, everybody)
      },
    }),
    correct: users(1, ['taker']),
  },
]
