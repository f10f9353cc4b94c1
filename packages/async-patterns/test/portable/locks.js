import { AsyncMutex, AsyncSemaphore } from '@heddle/async-patterns'
import { countingController, equal, equalList, ok, rejects, rejectsWith, staysPending, throws, turn } from './assert.js'

export const cases = [
  {
    name: 'AsyncSemaphore: never more at work than there are permits, and all have their turn in order',
    async run() {
      const semaphore = new AsyncSemaphore(2)
      const order = []
      let inside = 0
      let most = 0
      const task = (i) =>
        semaphore.runExclusive(async () => {
          order.push(i)
          inside += 1
          most = Math.max(most, inside)
          await turn()
          inside -= 1
        })
      const all = Array.from({ length: 10 }, (_, i) => i)
      await Promise.all(all.map(task))
      equal(most, 2, 'the most at work')
      equalList(order, all, 'the order')
      equal(semaphore.availablePermits, 2, 'free permits in the end')
    },
  },
  {
    name: 'AsyncSemaphore: a timeout comes not before its time, and leaves no waiter',
    async run() {
      const semaphore = new AsyncSemaphore(0)
      const begun = performance.now()
      await rejects(semaphore.acquire({ timeout: 30 }), 'ERR_TIMEOUT', 'acquire')
      const waited = performance.now() - begun
      ok(waited >= 30, `it waits at least 30 ms, not ${waited}`)
      equal(semaphore.waiting, 0, 'who waits')
    },
  },
  {
    name: 'AsyncSemaphore: an abort rejects all with its reason as given, and leaves no listener',
    async run() {
      const semaphore = new AsyncSemaphore(0)
      const { controller, signal, listeners } = countingController()
      const waiting = [semaphore.acquire({ signal }), semaphore.acquire({ signal })]
      equal(listeners.size, 1, 'listeners while two wait')
      const reason = { why: 'enough' }
      controller.abort(reason)
      for (const promise of waiting) await rejectsWith(promise, reason, 'acquire')
      const granted = countingController()
      const promise = semaphore.acquire({ signal: granted.signal })
      semaphore.release()
      await promise
      equal(granted.listeners.size, 0, 'listeners after the grant')
    },
  },
  {
    name: 'AsyncSemaphore: who asks for many is not passed by who asks for few',
    async run() {
      const semaphore = new AsyncSemaphore(1)
      const many = semaphore.acquire(3)
      const few = semaphore.acquire(1)
      await staysPending(few, 'the later one waits')
      semaphore.release(2)
      equal((await many).permits, 3, 'permits of the first')
      await staysPending(few, 'the later one waits still')
      semaphore.release()
      await few
    },
  },
  {
    name: 'AsyncSemaphore: close ends all waiting, and using gives permits back',
    async run() {
      const semaphore = new AsyncSemaphore(1, { maxPermits: 1 })
      const guard = await semaphore.acquire()
      const waiting = semaphore.acquire()
      semaphore.close('over')
      equal((await rejects(waiting, 'ERR_CLOSED', 'who waited')).cause, 'over', 'the cause')
      throws(() => semaphore.tryAcquire(), 'ERR_CLOSED', 'tryAcquire')
      guard[Symbol.dispose]()
      throws(() => semaphore.release(), 'ERR_OVER_RELEASE', 'release beyond the bound')
    },
  },
  {
    name: 'AsyncMutex: one at a time, in order, also when one fails',
    async run() {
      const mutex = new AsyncMutex()
      const order = []
      const task = (i) =>
        mutex.runExclusive(async () => {
          order.push(`in ${i}`)
          await turn()
          order.push(`out ${i}`)
          if (i === 1) throw new Error('failed')
        })
      const results = await Promise.allSettled([0, 1, 2].map(task))
      equalList(order, ['in 0', 'out 0', 'in 1', 'out 1', 'in 2', 'out 2'], 'the order')
      equalList(
        results.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
        'the endings',
      )
      equal(mutex.locked, false, 'locked in the end')
    },
  },
  {
    name: 'AsyncMutex: what is released twice is released once',
    async run() {
      const mutex = new AsyncMutex()
      const first = await mutex.acquire()
      const next = mutex.acquire()
      first.release()
      first.release()
      const second = await next
      equal(mutex.tryAcquire(), undefined, 'tryAcquire while it is held')
      equal(second.held, true, 'held by the second')
      second.release()
      equal(second.held, false, 'held after the release')
    },
  },
]
