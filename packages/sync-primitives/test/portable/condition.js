import * as heddle from '@heddle/sync-primitives'
import { Mutex } from '@heddle/sync-primitives'
import { equal, equalList, ok, rejectsWith, staysPending, until } from './assert.js'
import { LEFT, newBoard, STAGE } from './shared.js'

const { Condition } = heddle
const workers = new URL('./workers.js', import.meta.url).href

/** Waits as a task of this thread; `order` gets the task's name when it is woken. */
async function waitAs(task, mutex, condition, order) {
  const guard = await mutex.acquire()
  const woken = await condition.wait(guard)
  order.push(task)
  equal(guard.held, true, 'the guard after the wait')
  guard.release()
  return woken
}

/** Once the lock comes by, all who asked before are in their wait. */
async function afterAllWait(mutex, use) {
  const guard = await mutex.acquire()
  try {
    return use(guard)
  } finally {
    guard.release()
  }
}

export const cases = [
  {
    name: 'wait lets go of the lock and holds it again afterwards',
    async run({ memory }) {
      const mutex = new Mutex({ memory })
      const condition = new Condition(mutex)
      const order = []
      const waiting = waitAs('waiter', mutex, condition, order)
      const told = await afterAllWait(mutex, (guard) => condition.notify(guard))
      equal(told, 1, 'how many were told')
      equal(await waiting, true, 'what wait gives')
      ok(mutex.tryAcquire() !== undefined, 'the mutex is free in the end')
    },
  },
  {
    name: 'notify wakes as many as it says, the longest waiting first, and notifyAll the rest',
    async run({ memory }) {
      const mutex = new Mutex({ memory })
      const condition = new Condition(mutex)
      const order = []
      const waiting = [1, 2, 3, 4].map((task) => waitAs(task, mutex, condition, order))
      equal(await afterAllWait(mutex, (guard) => condition.notify(guard)), 1, 'how many notify told')
      await waiting[0]
      await staysPending(Promise.race(waiting.slice(1)), 'the others wait on')
      equal(await afterAllWait(mutex, (guard) => condition.notify(guard, 2)), 2, 'how many notify of 2 told')
      await Promise.all([waiting[1], waiting[2]])
      equal(await afterAllWait(mutex, (guard) => condition.notifyAll(guard)), 1, 'how many notifyAll told')
      await waiting[3]
      equalList(order, [1, 2, 3, 4], 'the order')
      equal(await afterAllWait(mutex, (guard) => condition.notifyAll(guard)), 0, 'how many are told when nobody waits')
    },
  },
  {
    name: 'a worker that blocks in waitSync is woken by the main thread',
    async run({ startWorker, memory }) {
      const mutex = new Mutex({ memory })
      const condition = new Condition(mutex)
      const board = newBoard(memory)
      const handles = { mutex: mutex.toHandle(), condition: condition.toHandle() }
      const { result } = startWorker(workers, 'waitForStage', { ...handles, board, word: LEFT })
      await until(() => Atomics.load(board, STAGE) === 1, 'the worker has the lock or waits')
      await afterAllWait(mutex, (guard) => {
        board[LEFT] = 5
        condition.notify(guard)
      })
      equalList(await result, { woken: true, found: 5, held: true }, 'what the worker found')
    },
  },
  {
    name: 'the main thread that awaits is woken by a worker',
    async run({ startWorker, memory }) {
      const mutex = new Mutex({ memory })
      const condition = new Condition(mutex)
      const board = newBoard(memory)
      const handles = { mutex: mutex.toHandle(), condition: condition.toHandle() }
      const guard = await mutex.acquire()
      const { result } = startWorker(workers, 'setAndNotify', { ...handles, board, word: LEFT })
      equal(await condition.waitFor(guard, () => board[LEFT] === 7), true, 'what waitFor gives')
      equal(guard.held, true, 'the guard after the wait')
      guard.release()
      equal(await result, 1, 'how many the worker told')
    },
  },
  {
    name: 'a wait that times out gives false and holds the lock',
    async run({ memory }) {
      const mutex = new Mutex({ memory })
      const condition = new Condition(mutex)
      const guard = await mutex.acquire()
      const begun = performance.now()
      equal(await condition.wait(guard, { timeout: 40 }), false, 'what wait gives')
      const waited = performance.now() - begun
      ok(waited >= 40, `it waits at least 40 ms, not ${waited}`)
      equal(await condition.waitFor(guard, () => false, { timeout: 20 }), false, 'what waitFor gives')
      equal(guard.held, true, 'the guard')
      equal(mutex.tryAcquire(), undefined, 'tryAcquire by another task')
      equal(condition.notifyAll(guard), 0, 'how many wait afterwards')
      guard.release()
    },
  },
  {
    name: 'a wait that is aborted rejects with the reason as given and holds the lock',
    async run({ memory }) {
      const mutex = new Mutex({ memory })
      const condition = new Condition(mutex)
      const controller = new AbortController()
      const reason = { why: 'enough' }
      const guard = await mutex.acquire()
      const waiting = condition.wait(guard, { signal: controller.signal })
      controller.abort(reason)
      await rejectsWith(waiting, reason, 'what wait rejects with')
      equal(guard.held, true, 'the guard')
      equal(condition.notifyAll(guard), 0, 'how many wait afterwards')
      guard.release()
      ok(mutex.tryAcquire() !== undefined, 'the mutex is free in the end')
    },
  },
]
