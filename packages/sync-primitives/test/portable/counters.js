import * as heddle from '@heddle/sync-primitives'
import { equal, throws, until } from './assert.js'
import { ARRIVED, newBoard, sharedWords, tell } from './shared.js'

const workers = new URL('./workers.js', import.meta.url).href
const rounds = 50_000

/** The two counters differ in the type of their numbers and in where these end. */
function casesFor({ type, Counter, number, least, most }) {
  return [
    {
      name: 'two threads that increment it lose nothing, and no two get the same value',
      async run({ startWorker, memory }) {
        const counter = new Counter(number(0), { memory })
        const marks = sharedWords(2 * rounds + 1, memory)
        const board = newBoard(memory)
        const data = { type, handle: counter.toHandle(), rounds, marks, board }
        const { result } = startWorker(workers, 'incrementCounter', data)
        await until(() => Atomics.load(board, ARRIVED) === 1, 'the worker is there')
        tell(board)
        for (let round = 0; round < rounds; round++) Atomics.add(marks, Number(counter.increment()), 1)
        await result
        equal(counter.getValue(), number(2 * rounds), 'the value in the end')
        equal(
          marks.subarray(1).every((times) => times === 1),
          true,
          'each value from 1 on was got once',
        )
      },
    },
    {
      name: 'two threads that add by compareAndSet alone lose nothing',
      async run({ startWorker, memory }) {
        const counter = new Counter(number(0), { memory })
        const board = newBoard(memory)
        const data = { type, handle: counter.toHandle(), rounds, board }
        const { result } = startWorker(workers, 'addByCompareAndSet', data)
        await until(() => Atomics.load(board, ARRIVED) === 1, 'the worker is there')
        tell(board)
        for (let round = 0; round < rounds; round++) {
          let seen = counter.getValue()
          while (!counter.compareAndSet(seen, seen + number(1))) seen = counter.getValue()
        }
        await result
        equal(counter.getValue(), number(2 * rounds), 'the value in the end')
      },
    },
    {
      name: 'each method gives what it says',
      run({ memory }) {
        const counter = new Counter(number(5), { memory })
        equal(counter.increment(), number(6), 'increment')
        equal(counter.increment(number(10)), number(16), 'increment by 10')
        equal(counter.decrement(number(20)), number(-4), 'decrement by 20')
        equal(counter.compareAndSet(number(1), number(2)), false, 'compareAndSet with another value expected')
        equal(counter.compareAndSet(number(-4), number(2)), true, 'compareAndSet with its value expected')
        equal(counter.reset(), number(2), 'reset')
        equal(counter.getValue(), number(0), 'the value after reset')
      },
    },
    {
      name: 'it never wraps around: a step over either end is refused and changes nothing',
      run({ memory }) {
        const high = new Counter(most, { memory })
        throws(() => high.increment(), 'ERR_OUT_OF_RANGE', 'a step over the upper end')
        equal(high.getValue(), most, 'the value afterwards')
        const low = new Counter(least, { memory })
        throws(() => low.decrement(), 'ERR_OUT_OF_RANGE', 'a step over the lower end')
        equal(low.getValue(), least, 'the value afterwards')
      },
    },
    {
      name: 'a handle that went through postMessage opens the same counter, here and in a worker',
      async run({ startWorker, memory }) {
        const counter = new Counter(number(1), { memory })
        Counter.fromHandle(structuredClone(counter.toHandle())).increment()
        const data = { type, handle: counter.toHandle(), method: 'increment' }
        equal(await startWorker(workers, 'call', data).result, number(3), 'the value that the worker got')
        equal(counter.getValue(), number(3), 'the value here')
        throws(() => Counter.fromHandle({ ...counter.toHandle(), index: 1 }), 'ERR_BAD_HANDLE', 'a wrong place')
      },
    },
  ]
}

export const cases32 = casesFor({
  type: 'ThreadSafeCounter',
  Counter: heddle.ThreadSafeCounter,
  number: Number,
  least: -(2 ** 31),
  most: 2 ** 31 - 1,
})
export const cases64 = casesFor({
  type: 'ThreadSafeCounter64',
  Counter: heddle.ThreadSafeCounter64,
  number: BigInt,
  least: -(2n ** 63n),
  most: 2n ** 63n - 1n,
})
