import { Mutex } from '@heddle/sync-primitives'
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

const workers = new URL('./workers.js', import.meta.url).href
const rounds = 300

async function incrementHere(mutex, board) {
  const goesOn = untilMixed(board, rounds)
  let round = 0
  for (; goesOn(round); round++) {
    const guard = await mutex.acquire()
    enter(board)
    noteTurn(board, 0)
    addPlainly(board, round % 64)
    leave(board)
    guard.release()
  }
  return round
}

async function exclude({ startWorker, memory }, ways) {
  const mutex = new Mutex({ memory })
  const board = newBoard(memory)
  const others = ways.map((blocking, index) => {
    const data = { type: 'Mutex', handle: mutex.toHandle(), board, who: index + 1, rounds, blocking }
    return startWorker(workers, 'incrementUnderLock', data)
  })
  await until(() => Atomics.load(board, ARRIVED) === ways.length, 'the workers are there')
  tell(board)
  const turns = await Promise.all([incrementHere(mutex, board), ...others.map(({ result }) => result)])
  equal(board[MOST_INSIDE], 1, 'the most that were inside together')
  equal(
    board[SUM],
    turns.reduce((sum, each) => sum + each),
    'the sum of all increments',
  )
  ok(mutex.tryAcquire() !== undefined, 'the mutex is free in the end')
}

export const cases = [
  {
    name: 'the main thread that awaits it and a worker that blocks for it are never inside together',
    run: (context) => exclude(context, [true]),
  },
  {
    name: 'a worker that awaits it, one that blocks for it and the main thread are never inside together',
    run: (context) => exclude(context, [true, false]),
  },
  {
    name: 'a free mutex is taken without waiting, in every way there is',
    async run({ memory }) {
      const mutex = new Mutex({ memory })
      for (const take of [() => mutex.acquireSync(), () => mutex.tryAcquire(), () => mutex.acquire()]) {
        const guard = await take()
        equal(guard.held, true, 'held after the acquisition')
        equal(mutex.tryAcquire(), undefined, 'a second acquisition')
        guard.release()
        equal(guard.held, false, 'held after the release')
      }
    },
  },
  {
    name: 'acquireSync by the thread that holds it is refused at once',
    async run({ memory }) {
      const mutex = new Mutex({ memory })
      const guard = await mutex.acquire()
      throws(() => mutex.acquireSync(), 'ERR_ALREADY_OWNED', 'a second acquireSync')
      equal(guard.held, true, 'held after the refusal')
      guard.release()
    },
  },
  {
    name: 'a release lets go the worker that blocks for it',
    async run({ startWorker, memory }) {
      const mutex = new Mutex({ memory })
      const board = newBoard(memory)
      const guard = await mutex.acquire()
      const { result } = startWorker(workers, 'takeOnce', { type: 'Mutex', handle: mutex.toHandle(), board })
      await until(() => Atomics.load(board, STAGE) === 1, 'the worker asks')
      await staysPending(result, 'the worker waits while the main thread holds it')
      guard.release()
      equal(await result, 'had it', 'what the worker says')
    },
  },
  {
    name: 'a release in a worker wakes the main thread that awaits it',
    async run({ startWorker, memory }) {
      const mutex = new Mutex({ memory })
      const board = newBoard(memory)
      const { result } = startWorker(workers, 'holdUntilTold', { type: 'Mutex', handle: mutex.toHandle(), board })
      await until(() => Atomics.load(board, STAGE) === 1, 'the worker holds it')
      const pending = mutex.acquire()
      await staysPending(pending, 'the main thread waits while the worker holds it')
      tell(board)
      equal((await pending).held, true, 'held after the worker let go')
      await result
    },
  },
  {
    name: 'a pending acquire keeps the program alive until it is settled',
    alone: true,
    async run({ later, memory }) {
      const mutex = new Mutex({ memory })
      const guard = await mutex.acquire()
      later(() => guard.release(), 150)
      // Nothing else is pending from here on: a program that this does not keep alive ends within this case.
      equal((await mutex.acquire()).held, true, 'held')
      equal(guard.held, false, 'the first guard')
    },
  },
  {
    name: 'a worker whose only pending thing is an acquire lives until it has it',
    async run({ startWorker, memory }) {
      const mutex = new Mutex({ memory })
      const board = newBoard(memory)
      const guard = await mutex.acquire()
      const data = { type: 'Mutex', handle: mutex.toHandle(), board, awaiting: true }
      const { result } = startWorker(workers, 'takeOnce', data)
      await until(() => Atomics.load(board, STAGE) === 1, 'the worker asks')
      await staysPending(result, 'the worker waits')
      guard.release()
      equal(await result, 'had it', 'what the worker says')
    },
  },
  {
    name: 'tasks of one thread get it in the order they asked',
    async run({ memory }) {
      const mutex = new Mutex({ memory })
      const first = await mutex.acquire()
      const order = []
      const pending = [1, 2, 3, 4, 5].map((task) => mutex.runExclusive(() => order.push(task)))
      equal(mutex.tryAcquire(), undefined, 'tryAcquire while others wait')
      first.release()
      await Promise.all(pending)
      equalList(order, [1, 2, 3, 4, 5], 'the order')
    },
  },
  {
    name: 'runExclusive holds it until its promise settles, and gives its result',
    async run({ memory }) {
      const mutex = new Mutex({ memory })
      let finish
      const result = mutex.runExclusive(() => new Promise((resolve) => (finish = resolve)))
      await until(() => finish !== undefined, 'the function runs')
      equal(mutex.tryAcquire(), undefined, 'tryAcquire while it runs')
      finish('done')
      equal(await result, 'done', 'the result')
      ok(mutex.tryAcquire() !== undefined, 'the mutex is free afterwards')
    },
  },
  {
    name: 'runExclusive and runExclusiveSync release on a throw, and the error passes as it is',
    async run({ memory }) {
      const mutex = new Mutex({ memory })
      const failure = new Error('of the function')
      const fail = () => {
        throw failure
      }
      await rejectsWith(mutex.runExclusive(fail), failure, 'what runExclusive rejects with')
      await rejectsWith(
        mutex.runExclusive(async () => fail()),
        failure,
        'what runExclusive rejects with for an async function',
      )
      await rejectsWith((async () => mutex.runExclusiveSync(fail))(), failure, 'what runExclusiveSync throws')
      ok(mutex.tryAcquire() !== undefined, 'the mutex is free afterwards')
    },
  },
  {
    name: 'an acquire is refused when its timeout has passed, not before, and leaves nothing',
    async run({ memory }) {
      const mutex = new Mutex({ memory })
      const guard = await mutex.acquire()
      const begun = performance.now()
      await rejects(mutex.acquire({ timeout: 40 }), 'ERR_TIMEOUT', 'an acquire of 40 ms')
      const waited = performance.now() - begun
      ok(waited >= 40, `it waits at least 40 ms, not ${waited}`)
      await rejects(mutex.acquire({ timeout: 0 }), 'ERR_TIMEOUT', 'an acquire of 0 ms')
      equal(guard.held, true, 'held by its guard')
      guard.release()
      ok(mutex.tryAcquire() !== undefined, 'the mutex is free afterwards')
    },
  },
  {
    name: 'acquireSync in a worker is refused when its timeout has passed, not before, and leaves nothing',
    async run({ startWorker, memory }) {
      const mutex = new Mutex({ memory })
      const guard = await mutex.acquire()
      const data = { type: 'Mutex', handle: mutex.toHandle(), timeout: 40 }
      const { code, waited } = await startWorker(workers, 'timeOut', data).result
      equal(code, 'ERR_TIMEOUT', 'the code')
      ok(waited >= 40, `it waits at least 40 ms, not ${waited}`)
      guard.release()
      ok(mutex.tryAcquire() !== undefined, 'the mutex is free afterwards')
    },
  },
  {
    name: 'an aborted acquire rejects with the reason as given, and the next one in line gets the mutex',
    async run({ memory }) {
      const mutex = new Mutex({ memory })
      const guard = await mutex.acquire()
      const reason = { why: 'enough' }
      const { controller, signal, listeners } = countingController()
      const aborted = [mutex.acquire({ signal }), mutex.acquire({ signal })]
      const patient = mutex.acquire()
      ok(listeners.size <= 1, `one listener serves all waits, not ${listeners.size}`)
      controller.abort(reason)
      for (const promise of aborted) await rejectsWith(promise, reason, 'what the aborted acquire rejects with')
      await rejectsWith(mutex.acquire({ signal }), reason, 'what an acquire with an aborted signal rejects with')
      guard.release()
      ;(await patient).release()
      ok(mutex.tryAcquire() !== undefined, 'the mutex is free afterwards')
    },
  },
  {
    name: 'a signal has no listener left when its acquire is settled',
    async run({ memory }) {
      const mutex = new Mutex({ memory })
      const { signal, listeners } = countingController()
      const guard = await mutex.acquire({ signal })
      equal(listeners.size, 0, 'listeners after an acquire that needs no waiting')
      const pending = mutex.acquire({ signal })
      equal(listeners.size, 1, 'listeners while it waits')
      await rejects(mutex.acquire({ signal, timeout: 1 }), 'ERR_TIMEOUT', 'an acquire of 1 ms')
      guard.release()
      ;(await pending).release()
      equal(listeners.size, 0, 'listeners after all are settled')
    },
  },
  {
    name: 'a second release of a guard does nothing, whoever holds the mutex by then',
    async run({ memory }) {
      const mutex = new Mutex({ memory })
      const first = await mutex.acquire()
      first.release()
      const second = await mutex.acquire()
      first.release()
      first[Symbol.dispose]()
      equal(second.held, true, 'the second guard')
      equal(mutex.tryAcquire(), undefined, 'tryAcquire while the second guard holds it')
      second[Symbol.dispose]()
      equal(second.held, false, 'the second guard after its disposal')
      ok(mutex.tryAcquire() !== undefined, 'the mutex is free afterwards')
    },
  },
  {
    name: 'a handle that went through postMessage opens the same mutex, here and in a worker',
    async run({ startWorker, memory }) {
      const mutex = new Mutex({ memory })
      const here = Mutex.fromHandle(structuredClone(mutex.toHandle()))
      const guard = await mutex.acquire()
      throws(() => here.acquireSync(), 'ERR_ALREADY_OWNED', 'acquireSync through the second object of this thread')
      const data = { type: 'Mutex', handle: mutex.toHandle() }
      equal(await startWorker(workers, 'tryOnce', data).result, 'refused', 'the worker while the mutex is held')
      guard.release()
      equal(await startWorker(workers, 'tryOnce', data).result, 'had it', 'the worker while the mutex is free')
    },
  },
  {
    name: 'bad options are refused by code, and take nothing',
    async run({ memory }) {
      const mutex = new Mutex({ memory })
      await rejects(mutex.acquire({ timeout: -1 }), 'ERR_OUT_OF_RANGE', 'a timeout of -1')
      await rejects(mutex.acquire({ timeout: '1' }), 'ERR_INVALID_ARG', 'a timeout of text')
      await rejects(mutex.acquire({ signal: {} }), 'ERR_INVALID_ARG', 'a signal that is none')
      throws(() => mutex.release(), 'ERR_NOT_OWNER', 'a release without a guard')
      throws(() => Mutex.fromHandle({}), 'ERR_BAD_HANDLE', 'a handle that is none')
      ok(mutex.tryAcquire() !== undefined, 'the mutex is free afterwards')
    },
  },
]
