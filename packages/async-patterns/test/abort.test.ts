import { getEventListeners } from 'node:events'
import { AsyncSemaphore } from '@heddle/async-patterns'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'

afterEach(() => {
  jest.restoreAllMocks()
})

const listenersOf = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

describe('abort', () => {
  test.each([[new Error('enough')], ['a string'], [0], [null]])(
    'rejects with the reason as given: %p',
    async (reason) => {
      const semaphore = new AsyncSemaphore(0)
      const controller = new AbortController()
      const rejected = rejectionOf(semaphore.acquire({ signal: controller.signal }))
      controller.abort(reason)
      expect(await rejected).toBe(reason)
      expect([semaphore.waiting, semaphore.availablePermits]).toEqual([0, 0])
    },
  )

  test('before the call rejects at once and takes nothing, though permits are free', async () => {
    const semaphore = new AsyncSemaphore(1)
    const signal = AbortSignal.abort('too late')
    expect(await rejectionOf(semaphore.acquire({ signal }))).toBe('too late')
    expect([semaphore.availablePermits, listenersOf(signal)]).toEqual([1, 0])
  })

  // S10
  test('of a waiter leaves exactly one permit when the holder releases', async () => {
    const semaphore = new AsyncSemaphore(1)
    const holder = await semaphore.acquire()
    const controller = new AbortController()
    const cancelled = observe(semaphore.acquire({ signal: controller.signal }))
    controller.abort()
    holder.release()
    await drain()
    expect([cancelled.state, semaphore.availablePermits, semaphore.waiting]).toEqual(['rejected', 1, 0])
  })

  test('of the first waiter lets the next one pass for whom enough was free', async () => {
    const semaphore = new AsyncSemaphore(1)
    const controller = new AbortController()
    const many = observe(semaphore.acquire(2, { signal: controller.signal }))
    const few = observe(semaphore.acquire())
    await drain()
    expect([many.state, few.state]).toEqual(['pending', 'pending'])
    controller.abort()
    await drain()
    expect([many.state, few.state, semaphore.availablePermits]).toEqual(['rejected', 'fulfilled', 0])
  })

  test('of one in the middle keeps the others in their order', async () => {
    const semaphore = new AsyncSemaphore(0)
    const controller = new AbortController()
    const served: number[] = []
    const asks = [0, 1, 2, 3, 4].map((i) =>
      semaphore.acquire(i === 1 || i === 4 ? { signal: controller.signal } : {}).then(
        () => served.push(i),
        () => served.push(-i),
      ),
    )
    controller.abort()
    expect(semaphore.waiting).toBe(3)
    semaphore.release(3)
    await Promise.all(asks)
    expect(served).toEqual([-1, -4, 0, 2, 3])
    expect(semaphore.availablePermits).toBe(0)
  })

  test('lets no waiter of the same signal pass on the way', async () => {
    const semaphore = new AsyncSemaphore(1)
    const controller = new AbortController()
    const { signal } = controller
    const waiters = [semaphore.acquire(2, { signal }), semaphore.acquire({ signal }), semaphore.acquire({ signal })]
    const observed = waiters.map(observe)
    controller.abort()
    await drain()
    expect(observed.map(({ state }) => state)).toEqual(['rejected', 'rejected', 'rejected'])
    expect([semaphore.availablePermits, semaphore.waiting]).toEqual([1, 0])
  })
})

describe('abort and grant in one turn', () => {
  test('grant first: the waiter has the permit and can give it back', async () => {
    const semaphore = new AsyncSemaphore(1)
    const holder = await semaphore.acquire()
    const controller = new AbortController()
    const waiting = observe(semaphore.acquire({ signal: controller.signal }))
    holder.release()
    controller.abort()
    await drain()
    expect([waiting.state, semaphore.availablePermits]).toEqual(['fulfilled', 0])
    waiting.value?.release()
    expect(semaphore.availablePermits).toBe(1)
  })

  test('abort first: the permit goes to the next waiter', async () => {
    const semaphore = new AsyncSemaphore(1)
    const holder = await semaphore.acquire()
    const controller = new AbortController()
    const cancelled = observe(semaphore.acquire({ signal: controller.signal }))
    const next = observe(semaphore.acquire())
    controller.abort()
    holder.release()
    await drain()
    expect([cancelled.state, next.state, semaphore.availablePermits]).toEqual(['rejected', 'fulfilled', 0])
  })

  test('a listener that was told before us and releases: the permit passes the aborted waiter by', async () => {
    const semaphore = new AsyncSemaphore(1)
    const holder = await semaphore.acquire()
    const controller = new AbortController()
    const { signal } = controller
    signal.addEventListener('abort', () => holder.release())
    const cancelled = observe(semaphore.acquire({ signal }))
    const next = observe(semaphore.acquire())
    controller.abort('stop')
    await drain()
    expect([cancelled.reason, next.state, semaphore.availablePermits]).toEqual(['stop', 'fulfilled', 0])
    expect(listenersOf(signal)).toBe(1)
  })

  test('a listener that was told before us and closes: the waiter gets the reason of its signal', async () => {
    const semaphore = new AsyncSemaphore(0)
    const controller = new AbortController()
    controller.signal.addEventListener('abort', () => semaphore.close())
    const cancelled = observe(semaphore.acquire({ signal: controller.signal }))
    const other = observe(semaphore.acquire())
    controller.abort('stop')
    await drain()
    expect([cancelled.reason, semaphore.waiting]).toEqual(['stop', 0])
    expect(other.reason).toMatchObject({ code: 'ERR_CLOSED' })
  })

  test('hidden from us by a listener that stops it is seen when the turn of the waiter comes', async () => {
    const semaphore = new AsyncSemaphore(0)
    const controller = new AbortController()
    controller.signal.addEventListener('abort', (event) => event.stopImmediatePropagation())
    const cancelled = observe(semaphore.acquire({ signal: controller.signal }))
    const next = observe(semaphore.acquire())
    controller.abort('stop')
    await drain()
    expect(cancelled.state).toBe('pending')
    semaphore.release()
    await drain()
    expect([cancelled.reason, next.state, semaphore.availablePermits]).toEqual(['stop', 'fulfilled', 0])
  })

  test('a wait that begins while its signal tells its listeners rejects at once', async () => {
    const semaphore = new AsyncSemaphore(0)
    const controller = new AbortController()
    const { signal } = controller
    const early = observe(semaphore.acquire({ signal }))
    const late = new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve(rejectionOf(semaphore.acquire({ signal }))))
    })
    controller.abort('stop')
    expect(await late).toBe('stop')
    expect([early.reason, semaphore.waiting]).toEqual(['stop', 0])
  })
})

describe('a signal', () => {
  test('gets one listener however many waits of however many semaphores hang on it', async () => {
    const semaphores = [new AsyncSemaphore(0), new AsyncSemaphore(0)]
    const controller = new AbortController()
    const { signal } = controller
    const waits = Array.from({ length: 100 }, (_, i) => semaphores[i % 2]?.acquire({ signal }))
    expect(listenersOf(signal)).toBe(1)
    controller.abort()
    expect((await Promise.allSettled(waits)).every(({ status }) => status === 'rejected')).toBe(true)
    expect(listenersOf(signal)).toBe(0)
  })

  test('keeps no listener after a grant, a timeout or a close, and gets one again for a later wait', async () => {
    const { signal } = new AbortController()
    const semaphore = new AsyncSemaphore(0)
    const endings = [
      () => semaphore.release(),
      () => undefined, // the timeout
      () => semaphore.close(),
    ]
    for (const end of endings) {
      const waits = [semaphore.acquire({ signal, timeout: 5 }), semaphore.acquire({ signal, timeout: 5 })]
      expect(listenersOf(signal)).toBe(1)
      end()
      await Promise.allSettled(waits)
      expect(listenersOf(signal)).toBe(0)
    }
    expect(semaphore.availablePermits).toBe(0)
  })

  test('gets no listener for what need not wait', async () => {
    const { signal } = new AbortController()
    const semaphore = new AsyncSemaphore(1)
    const guard = await semaphore.acquire({ signal })
    await rejectionOf(semaphore.acquire({ signal, timeout: 0 }))
    expect(listenersOf(signal)).toBe(0)
    expect(guard.held).toBe(true)
  })

  /** The calls on a signal when `count` waiters hang on it and it aborts. */
  async function callsOn(count: number) {
    const controller = new AbortController()
    const { signal } = controller
    const reads = jest.fn(() => controller.signal.reason !== undefined)
    Object.defineProperty(signal, 'aborted', { get: reads })
    const adds = jest.spyOn(signal, 'addEventListener')
    const removes = jest.spyOn(signal, 'removeEventListener')
    const semaphore = new AsyncSemaphore(0)
    const waits = Array.from({ length: count }, () => semaphore.acquire({ signal }))
    controller.abort('stop')
    expect(semaphore.waiting).toBe(0)
    const settled = await Promise.allSettled(waits)
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(count)
    return {
      readsPerWaiter: reads.mock.calls.length / count,
      adds: adds.mock.calls.length,
      removes: removes.mock.calls.length,
    }
  }

  test('is touched no more often per waiter when 20,000 wait on it than when 100 do', async () => {
    const few = await callsOn(100)
    expect(few).toMatchObject({ adds: 1, removes: 0 })
    expect(await callsOn(20_000)).toEqual(few)
  })
})
