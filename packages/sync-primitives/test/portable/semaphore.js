import { Semaphore } from '@heddle/sync-primitives'
import {
  countingController,
  equal,
  equalList,
  ok,
  rejects,
  rejectsWith,
  staysPending,
  throws,
  until,
} from './assert.js'
import { ARRIVED, enter, leave, MOST_INSIDE, newBoard, noteTurn, STAGE, tell, untilMixed } from './shared.js'

const workers = new URL('./workers.js', import.meta.url).href
const rounds = 200
const turn = () => new Promise((resolve) => setTimeout(resolve, 0))

export const cases = [
  {
    name: 'two threads together never have more holders than there are permits',
    async run({ startWorker, memory }) {
      const semaphore = new Semaphore(2, { memory })
      const board = newBoard(memory)
      const data = { type: 'Semaphore', handle: semaphore.toHandle(), board, who: 1, rounds }
      const { result } = startWorker(workers, 'enterOften', data)
      await until(() => Atomics.load(board, ARRIVED) === 1, 'the worker is there')
      tell(board)
      const task = async () => {
        const goesOn = untilMixed(board, rounds / 4)
        for (let round = 0; goesOn(round); round++)
          await semaphore.runExclusive(async () => {
            enter(board)
            noteTurn(board, 0)
            if (round % 8 === 0) await turn()
            leave(board)
          })
      }
      await Promise.all([task(), task(), task(), result])
      equal(board[MOST_INSIDE], 2, 'the most holders at a time')
      equal(semaphore.availablePermits, 2, 'free permits in the end')
    },
  },
  {
    name: 'a release lets go the worker that blocks for a permit',
    async run({ startWorker, memory }) {
      const semaphore = new Semaphore(0, { memory })
      const board = newBoard(memory)
      const data = { type: 'Semaphore', handle: semaphore.toHandle(), board }
      const { result } = startWorker(workers, 'takeOnce', data)
      await until(() => Atomics.load(board, STAGE) === 1, 'the worker asks')
      await staysPending(result, 'the worker waits without a permit')
      semaphore.release()
      equal(await result, 'had it', 'what the worker says')
      equal(semaphore.availablePermits, 1, 'free permits afterwards')
    },
  },
  {
    name: 'a release in a worker wakes the main thread that awaits a permit',
    async run({ startWorker, memory }) {
      const semaphore = new Semaphore(0, { memory })
      const pending = semaphore.acquire()
      await staysPending(pending, 'the main thread waits without a permit')
      await startWorker(workers, 'call', { type: 'Semaphore', handle: semaphore.toHandle(), method: 'release' }).result
      equal((await pending).held, true, 'held after the release')
      equal(semaphore.availablePermits, 0, 'free permits while it is held')
    },
  },
  {
    name: 'a pending acquire keeps the program alive until it is settled',
    alone: true,
    async run({ later, memory }) {
      const semaphore = new Semaphore(1, { memory })
      const guard = await semaphore.acquire()
      later(() => guard.release(), 150)
      // Nothing else is pending from here on: a program that this does not keep alive ends within this case.
      equal((await semaphore.acquire()).held, true, 'held')
      equal(guard.held, false, 'the first guard')
    },
  },
  {
    name: 'tasks of one thread get a permit in the order they asked',
    async run({ memory }) {
      const semaphore = new Semaphore(1, { memory })
      const first = await semaphore.acquire()
      const order = []
      const pending = [1, 2, 3, 4, 5].map((task) => semaphore.runExclusive(() => order.push(task)))
      equal(semaphore.tryAcquire(), undefined, 'tryAcquire while others wait')
      first.release()
      await Promise.all(pending)
      equalList(order, [1, 2, 3, 4, 5], 'the order')
    },
  },
  {
    name: 'runExclusive and runExclusiveSync give the permit back on a throw, and the error passes as it is',
    async run({ memory }) {
      const semaphore = new Semaphore(1, { memory })
      const failure = new Error('of the function')
      const fail = () => {
        throw failure
      }
      await rejectsWith(semaphore.runExclusive(fail), failure, 'what runExclusive rejects with')
      await rejectsWith((async () => semaphore.runExclusiveSync(fail))(), failure, 'what runExclusiveSync throws')
      equal(semaphore.availablePermits, 1, 'free permits afterwards')
    },
  },
  {
    name: 'a timeout and an abort take no permit and leave nothing',
    async run({ memory }) {
      const semaphore = new Semaphore(0, { memory })
      const { controller, signal, listeners } = countingController()
      const reason = { why: 'enough' }
      const aborted = semaphore.acquire({ signal })
      const begun = performance.now()
      await rejects(semaphore.acquire({ timeout: 40 }), 'ERR_TIMEOUT', 'an acquire of 40 ms')
      const waited = performance.now() - begun
      ok(waited >= 40, `it waits at least 40 ms, not ${waited}`)
      const patient = semaphore.acquire()
      controller.abort(reason)
      await rejectsWith(aborted, reason, 'what the aborted acquire rejects with')
      semaphore.release()
      ;(await patient).release()
      equal(semaphore.availablePermits, 1, 'free permits afterwards')
      ok(listeners.size <= 1, `at most the one listener that has run is known, not ${listeners.size}`)
    },
  },
  {
    name: 'a second release of a guard gives nothing back, nor does one after detach',
    async run({ memory }) {
      const semaphore = new Semaphore(2, { memory })
      const [first, second] = [await semaphore.acquire(), semaphore.acquireSync()]
      first.release()
      first.release()
      first[Symbol.dispose]()
      equal(semaphore.availablePermits, 1, 'free permits after one release of one guard')
      second.detach()
      equal(second.held, false, 'the second guard after detach')
      second.release()
      equal(semaphore.availablePermits, 1, 'free permits after detach')
    },
  },
  {
    name: 'more permits than maxPermits cannot be released, and the refusal changes nothing',
    run({ memory }) {
      const semaphore = new Semaphore(1, { memory, maxPermits: 2 })
      throws(() => semaphore.release(2), 'ERR_OVER_RELEASE', 'a release of 2')
      equal(semaphore.availablePermits, 1, 'free permits after the refusal')
      semaphore.release()
      throws(() => semaphore.release(), 'ERR_OVER_RELEASE', 'one more')
      throws(() => new Semaphore(-1, { memory }), 'ERR_OUT_OF_RANGE', 'less than no permits')
      equal(semaphore.availablePermits, 2, 'free permits in the end')
    },
  },
  {
    name: 'a handle that went through postMessage opens the same semaphore, here and in a worker',
    async run({ startWorker, memory }) {
      const semaphore = new Semaphore(1, { memory })
      const here = Semaphore.fromHandle(structuredClone(semaphore.toHandle()))
      const guard = here.acquireSync()
      const data = { type: 'Semaphore', handle: semaphore.toHandle() }
      equal(semaphore.availablePermits, 0, 'free permits seen through the first object')
      equal(await startWorker(workers, 'tryOnce', data).result, 'refused', 'the worker while none is free')
      guard.release()
      equal(await startWorker(workers, 'tryOnce', data).result, 'had it', 'the worker while one is free')
    },
  },
  {
    name: 'a guard of several permits takes them together and gives them back together',
    async run({ memory }) {
      const semaphore = new Semaphore(3, { memory })
      const guard = await semaphore.acquire(2)
      equal(guard.permits, 2, 'permits of the guard')
      equal(semaphore.availablePermits, 1, 'free permits while it is held')
      equal(semaphore.tryAcquire(2), undefined, 'tryAcquire of more than are free')
      guard.release()
      guard.release()
      equal(semaphore.availablePermits, 3, 'free permits afterwards')
      const other = await semaphore.acquire(3, { timeout: 0 })
      equal(other.permits, 3, 'permits of a guard with all of them')
      other[Symbol.dispose]()
      equal(semaphore.availablePermits, 3, 'free permits in the end')
    },
  },
  {
    name: 'one who wants several permits is not passed by one who came later and wants fewer',
    async run({ memory }) {
      const semaphore = new Semaphore(1, { memory })
      const order = []
      const many = semaphore.acquire(2).then((guard) => {
        order.push('two')
        return guard
      })
      const few = semaphore.acquire(1).then((guard) => {
        order.push('one')
        return guard
      })
      await staysPending(few, 'the later one waits although a permit is free')
      semaphore.release(1)
      ;(await many).release()
      ;(await few).release()
      equalList(order, ['two', 'one'], 'the order')
      equal(semaphore.availablePermits, 2, 'free permits in the end')
    },
  },
  {
    name: 'several permits at once stay within the number of permits, over two threads',
    async run({ startWorker, memory }) {
      const semaphore = new Semaphore(3, { memory })
      const board = newBoard(memory)
      const data = { type: 'Semaphore', handle: semaphore.toHandle(), board, who: 1, rounds, permits: 2 }
      const { result } = startWorker(workers, 'enterOften', data)
      await until(() => Atomics.load(board, ARRIVED) === 1, 'the worker is there')
      tell(board)
      const goesOn = untilMixed(board, rounds)
      for (let round = 0; goesOn(round); round++) {
        const guard = await semaphore.acquire(2)
        enter(board, 2)
        noteTurn(board, 0)
        leave(board, 2)
        guard.release()
      }
      await result
      equal(board[MOST_INSIDE], 2, 'the most permits in use at a time, of which each takes two of three')
      equal(semaphore.availablePermits, 3, 'free permits in the end')
    },
  },
  {
    name: 'one who gives up on several permits leaves them to the next in line',
    async run({ memory }) {
      const semaphore = new Semaphore(1, { memory })
      const controller = new AbortController()
      const many = semaphore.acquire(2, { signal: controller.signal })
      const few = semaphore.acquire(1)
      const reason = { why: 'enough' }
      controller.abort(reason)
      await rejectsWith(many, reason, 'what the aborted acquire rejects with')
      ;(await few).release()
      equal(semaphore.availablePermits, 1, 'free permits in the end')
    },
  },
]
