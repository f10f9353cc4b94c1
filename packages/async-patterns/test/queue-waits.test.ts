import { getEventListeners } from 'node:events'
import { AsyncQueue } from '@heddle/async-patterns'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'

afterEach(() => {
  jest.useRealTimers()
})

const listenersOf = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

function full(): AsyncQueue<string> {
  const queue = new AsyncQueue<string>({ capacity: 1 })
  queue.tryPut('first')
  return queue
}

describe('time', () => {
  // Q1, Q2, Q3
  test('0 tries once: an error at once if it would have to wait, and done if not', async () => {
    const queue = full()
    expect(await rejectionOf(queue.put('late', { timeout: 0 }))).toMatchObject({
      name: 'QueueFullError',
      code: 'ERR_TIMEOUT',
      item: 'late',
    })
    expect(queue.tryPut('late')).toBe(false)
    expect(await queue.get({ timeout: 0 })).toBe('first')
    for (const get of [queue.get({ timeout: 0 }), queue.getMany(2, { timeout: 0 })])
      expect(await rejectionOf(get)).toMatchObject({ name: 'QueueEmptyError', code: 'ERR_TIMEOUT' })
    expect(queue.tryGet()).toBeUndefined()
    await queue.put('next', { timeout: 0 })
    expect(await rejectionOf(queue.join({ timeout: 0 }))).toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
    expect(queue.getStats()).toMatchObject({ size: 1, waitingPuts: 0, waitingGets: 0, unfinished: 2 })
  })

  // Q1, Q2, Q16
  test('ends a wait when it is over, not earlier, and leaves nothing', async () => {
    jest.useFakeTimers()
    const queue = full()
    const empty = new AsyncQueue<string>()
    const waits = [
      queue.put('late', { timeout: 5 }),
      empty.get({ timeout: 5 }),
      empty.getMany(2, { timeout: 5 }),
      queue.join({ timeout: 5 }),
    ].map((promise: Promise<unknown>) => observe(promise))
    jest.advanceTimersByTime(4)
    await drain()
    expect(waits.map(({ state }) => state)).toEqual(Array(4).fill('pending'))
    jest.advanceTimersByTime(1)
    await drain()
    expect(waits.map(({ reason }) => (reason as Error).name)).toEqual([
      'QueueFullError',
      'QueueEmptyError',
      'QueueEmptyError',
      'TimeoutError',
    ])
    expect(waits[0]?.reason).toMatchObject({ item: 'late' })
    expect([queue.getStats().waitingPuts, empty.getStats().waitingGets, jest.getTimerCount()]).toEqual([0, 0, 0])
    empty.tryPut('kept')
    expect([queue.clear(), empty.clear()]).toEqual([['first'], ['kept']])
  })

  test('is at least as long as asked by the real clock', async () => {
    const queue = full()
    const began = performance.now()
    await rejectionOf(queue.put('late', { timeout: 12.5 }))
    const ended = performance.now()
    await rejectionOf(new AsyncQueue().get({ timeout: 12.5 }))
    expect(ended - began).toBeGreaterThanOrEqual(12.5)
    expect(performance.now() - ended).toBeGreaterThanOrEqual(12.5)
  })

  test('that is not over leaves no timer behind when the wait has succeeded', async () => {
    jest.useFakeTimers()
    const queue = full()
    const put = queue.put('second', { timeout: 60_000 })
    const join = queue.join({ timeout: 60_000 })
    queue.clear()
    await put
    queue.clear()
    await join
    const get = queue.get({ timeout: 60_000 })
    queue.tryPut('third')
    expect(await get).toBe('third')
    expect(jest.getTimerCount()).toBe(0)
  })
})

describe('abort', () => {
  test.each([[new Error('enough')], ['a string'], [0], [null]])(
    'rejects with the reason as given: %p',
    async (reason) => {
      const queue = full()
      const empty = new AsyncQueue<string>()
      const controller = new AbortController()
      const { signal } = controller
      const waits = [
        queue.put('x', { signal }),
        empty.get({ signal }),
        empty.getMany(2, { signal }),
        queue.join({ signal }),
      ]
      const rejected = Promise.all(waits.map(rejectionOf))
      expect(listenersOf(signal)).toBe(1)
      controller.abort(reason)
      expect(await rejected).toEqual([reason, reason, reason, reason])
      expect([queue.getStats().waitingPuts, empty.getStats().waitingGets, listenersOf(signal)]).toEqual([0, 0, 0])
    },
  )

  test('before the call rejects and changes nothing, though it need not wait', async () => {
    const queue = new AsyncQueue<string>()
    queue.tryPut('first')
    const signal = AbortSignal.abort('too late')
    for (const call of [
      queue.put('x', { signal }),
      queue.get({ signal }),
      queue.getMany(1, { signal }),
      queue.join({ signal }),
    ])
      expect(await rejectionOf(call)).toBe('too late')
    expect([queue.clear(), listenersOf(signal)]).toEqual([['first'], 0])
  })

  test('after a wait that succeeded finds no listener', async () => {
    const { signal } = new AbortController()
    const queue = full()
    const put = queue.put('second', { signal })
    await queue.get({ signal })
    await put
    await queue.get({ signal })
    const get = queue.get({ signal })
    await queue.put('third', { signal })
    expect([await get, listenersOf(signal)]).toEqual(['third', 0])
  })
})

// Q15, Q16: whatever meets in one turn, an item is with somebody or in the queue.
describe('a get that is given up loses nothing', () => {
  const forms: [string, (queue: AsyncQueue<string>, signal: AbortSignal) => Promise<unknown>, unknown][] = [
    ['get', (queue, signal) => queue.get({ signal }), 'item'],
    ['getMany', (queue, signal) => queue.getMany(3, { signal }), ['item']],
  ]

  test.each(forms)('%s, aborted before the put: the item is the next one’s', async (_, get) => {
    const queue = new AsyncQueue<string>()
    const controller = new AbortController()
    const first = rejectionOf(get(queue, controller.signal))
    const second = queue.get()
    controller.abort('enough')
    queue.tryPut('item')
    expect([await first, await second]).toEqual(['enough', 'item'])
  })

  test.each(forms)('%s, aborted before the put, with nobody else: the item stays', async (_, get) => {
    const queue = new AsyncQueue<string>()
    const controller = new AbortController()
    const first = rejectionOf(get(queue, controller.signal))
    controller.abort('enough')
    await queue.put('item')
    expect(await first).toBe('enough')
    expect(queue.getStats()).toMatchObject({ size: 1, waitingGets: 0, putCount: 1 })
  })

  test.each(forms)('%s, aborted in the turn of the put, but after it: it has the item', async (_, get, expected) => {
    const queue = new AsyncQueue<string>()
    const controller = new AbortController()
    const first = get(queue, controller.signal)
    queue.tryPut('item')
    controller.abort('enough')
    expect(await first).toEqual(expected)
  })

  test.each(forms)('%s, aborted a turn after the put: it has the item', async (_, get, expected) => {
    const queue = new AsyncQueue<string>()
    const controller = new AbortController()
    const first = get(queue, controller.signal)
    queue.tryPut('item')
    await drain()
    controller.abort('enough')
    expect(await first).toEqual(expected)
  })

  test.each(forms)('%s, while a listener that hears of the abort first puts: the item stays', async (_, get) => {
    const queue = new AsyncQueue<string>()
    const controller = new AbortController()
    controller.signal.addEventListener('abort', () => queue.tryPut('item'))
    const first = rejectionOf(get(queue, controller.signal))
    controller.abort('enough')
    expect([await first, queue.clear()]).toEqual(['enough', ['item']])
  })

  test('whose time is over in the turn of the put: it has the item, or it is the next one’s', async () => {
    jest.useFakeTimers()
    const queue = new AsyncQueue<string>()
    const early = queue.get({ timeout: 5 })
    queue.tryPut('before')
    jest.advanceTimersByTime(5)
    expect(await early).toBe('before')
    const late = rejectionOf(queue.get({ timeout: 5 }))
    jest.advanceTimersByTime(5)
    queue.tryPut('after')
    expect(await late).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(queue.clear()).toEqual(['after'])
  })

  test('a put that is aborted in the turn in which a place becomes free is in or out, never both', async () => {
    for (const isAbortFirst of [true, false]) {
      const queue = full()
      const controller = new AbortController()
      const put = observe(queue.put('second', { signal: controller.signal }))
      if (isAbortFirst) controller.abort('enough')
      queue.clear()
      controller.abort('enough')
      await drain()
      expect([put.state, queue.clear()]).toEqual(isAbortFirst ? ['rejected', []] : ['fulfilled', ['second']])
    }
  })
})
