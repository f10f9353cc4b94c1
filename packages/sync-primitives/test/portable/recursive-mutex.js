import * as heddle from '@heddle/sync-primitives'
import { equal, ok, rejects, staysPending, until } from './assert.js'
import {
  ARRIVED,
  addPlainly,
  enter,
  leave,
  MOST_INSIDE,
  newBoard,
  noteTurn,
  STAGE,
  SUM,
  tell,
  untilMixed,
} from './shared.js'

const { RecursiveMutex } = heddle
const workers = new URL('./workers.js', import.meta.url).href

export const cases = [
  {
    name: 'acquireSync by the thread that holds it nests, and the last release frees it',
    async run({ startWorker, memory }) {
      const mutex = new RecursiveMutex({ memory })
      const data = { type: 'RecursiveMutex', handle: mutex.toHandle() }
      const outer = mutex.acquireSync()
      const inner = mutex.acquireSync()
      outer.release()
      outer.release()
      equal(inner.held, true, 'the inner guard after the release of the outer one')
      equal(await startWorker(workers, 'tryOnce', data).result, 'refused', 'a worker while one guard is left')
      inner.release()
      equal(await startWorker(workers, 'tryOnce', data).result, 'had it', 'a worker after the last release')
    },
  },
  {
    name: 'an async task nests through the guard that it holds, and another task waits',
    async run({ memory }) {
      const mutex = new RecursiveMutex({ memory })
      const outer = await mutex.acquire()
      const inner = outer.acquire()
      const other = mutex.acquire()
      await staysPending(other, 'another task of this thread waits')
      outer.release()
      await staysPending(other, 'it waits for the inner guard too')
      inner.release()
      ;(await other).release()
    },
  },
  {
    name: 'the main thread that awaits it and a worker that blocks for it are never inside together',
    async run({ startWorker, memory }) {
      const mutex = new RecursiveMutex({ memory })
      const board = newBoard(memory)
      const rounds = 200
      const data = { type: 'RecursiveMutex', handle: mutex.toHandle(), board, who: 1, rounds, blocking: true }
      const { result } = startWorker(workers, 'incrementUnderLock', data)
      await until(() => Atomics.load(board, ARRIVED) === 1, 'the worker is there')
      tell(board)
      const goesOn = untilMixed(board, rounds)
      let round = 0
      for (; goesOn(round); round++) {
        const outer = await mutex.acquire()
        const inner = outer.acquire()
        enter(board)
        noteTurn(board, 0)
        addPlainly(board, round % 64)
        leave(board)
        inner.release()
        outer.release()
      }
      const others = await result
      equal(board[MOST_INSIDE], 1, 'the most that were inside together')
      equal(board[SUM], round + others, 'the sum of all increments')
    },
  },
  {
    name: 'a timeout while a worker holds it takes nothing',
    async run({ startWorker, memory }) {
      const mutex = new RecursiveMutex({ memory })
      const board = newBoard(memory)
      const data = { type: 'RecursiveMutex', handle: mutex.toHandle(), board }
      const { result } = startWorker(workers, 'holdUntilTold', data)
      await until(() => Atomics.load(board, STAGE) === 1, 'the worker holds it')
      await rejects(mutex.acquire({ timeout: 20 }), 'ERR_TIMEOUT', 'an acquire of 20 ms')
      tell(board)
      await result
      ok(mutex.tryAcquire() !== undefined, 'the mutex is free afterwards')
    },
  },
]
