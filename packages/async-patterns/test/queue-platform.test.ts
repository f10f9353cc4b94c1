import { getEventListeners } from 'node:events'
import { AsyncQueue, type AsyncQueueOptions, type WaitOptions } from '@heddle/async-patterns'
import { describe, expect, test } from '@jest/globals'
import { drain, rejectionOf } from './support/observe.js'

const wrongKind = { name: 'TypeError', code: 'ERR_INVALID_ARG' }
const wrongValue = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }

describe('bad arguments', () => {
  // Q17
  test.each([
    [{ capacity: 0 }, wrongValue],
    [{ capacity: -1 }, wrongValue],
    [{ capacity: 1.5 }, wrongValue],
    [{ capacity: Number.NaN }, wrongValue],
    [{ capacity: Number.NEGATIVE_INFINITY }, wrongValue],
    [{ capacity: '5' }, wrongKind],
    [null, wrongKind],
    [5, wrongKind],
  ])('no queue is made with %p', (options, error) => {
    expect(() => new AsyncQueue(options as AsyncQueueOptions)).toThrow(expect.objectContaining(error))
  })

  // Q3
  test.each([
    [{ timeout: -1 }, wrongValue],
    [{ timeout: Number.NaN }, wrongValue],
    [{ timeout: '5' }, wrongKind],
    [{ signal: null }, wrongKind],
    [{ signal: new AbortController() }, wrongKind],
    [null, wrongKind],
    [5, wrongKind],
  ])(
    '%p is refused by put, get, getMany and join, whether they had to wait or not, and changes nothing',
    async (bad, error) => {
      const options = bad as WaitOptions
      for (const count of [0, 1]) {
        const queue = new AsyncQueue<number>({ capacity: 1 })
        if (count > 0) queue.tryPut(1)
        for (const call of [queue.put(2, options), queue.get(options), queue.getMany(1, options), queue.join(options)])
          expect(await rejectionOf(call)).toMatchObject(error)
        expect(queue.getStats()).toMatchObject({ size: count, waitingPuts: 0, waitingGets: 0, unfinished: count })
      }
    },
  )

  test.each([
    [0, wrongValue],
    [-1, wrongValue],
    [1.5, wrongValue],
    [Number.POSITIVE_INFINITY, wrongValue],
    ['1', wrongKind],
    [null, wrongKind],
  ])('%p is refused as a number by getMany and taskDone, and changes nothing', async (bad, error) => {
    const queue = new AsyncQueue<number>()
    queue.tryPut(1)
    queue.tryPut(2)
    await queue.get()
    expect(await rejectionOf(queue.getMany(bad as number))).toMatchObject(error)
    expect(() => queue.taskDone(bad as number)).toThrow(expect.objectContaining(error))
    expect(queue.getStats()).toMatchObject({ size: 1, unfinished: 2 })
  })

  test('the default capacity is 1,024, undefined options are none', async () => {
    const queue = new AsyncQueue<number>({ capacity: undefined })
    expect([queue.capacity, new AsyncQueue().capacity]).toEqual([1_024, 1_024])
    await queue.put(1, undefined)
    expect(await queue.get({ timeout: undefined, signal: undefined })).toBe(1)
  })
})

describe('what need not wait', () => {
  test('a put gives the same settled promise each time, with options too', async () => {
    const queue = new AsyncQueue<number>()
    await drain()
    const first = queue.put(1)
    expect(queue.put(2)).toBe(first)
    expect(queue.put(3, { timeout: 5 })).toBe(first)
    expect(new AsyncQueue<number>().put(1)).toBe(first)
  })

  test.each<[string, (queue: AsyncQueue<number>) => Promise<unknown>]>([
    ['put', (queue) => queue.put(1)],
    ['get', (queue) => queue.get()],
    ['get with options', (queue) => queue.get({ timeout: 5 })],
    ['getMany', (queue) => queue.getMany(2)],
    ['join', () => new AsyncQueue().join()],
    ['next', (queue) => queue[Symbol.asyncIterator]().next()],
  ])('%s takes one microtask', async (_, call) => {
    const queue = new AsyncQueue<number>()
    queue.tryPut(1)
    await drain()
    const order: string[] = []
    void call(queue).then(() => order.push('call'))
    await Promise.resolve().then(() => order.push('one microtask'))
    expect(order).toEqual(['call', 'one microtask'])
  })

  test('does not wait for a turn of the event loop each time, also when a consumer waits for the item', async () => {
    const queue = new AsyncQueue<number>()
    let turns = 0
    const count = () => {
      turns += 1
      timer = setImmediate(count)
    }
    let timer = setImmediate(count)
    const consume = async () => {
      for await (const item of queue) if (item === 9_999) break
    }
    const consumer = consume()
    for (let i = 0; i < 10_000; i++) {
      await queue.put(i)
      await Promise.resolve()
    }
    await consumer
    clearImmediate(timer)
    // One each 5 ms.
    expect(turns).toBeLessThan(1_000)
  })

  test('20,000 waits hang on one signal with one listener, and are aborted by it', async () => {
    const controller = new AbortController()
    const { signal } = controller
    const queue = new AsyncQueue<number>()
    const waits = Array.from({ length: 20_000 }, () => queue.get({ signal }).catch((reason: unknown) => reason))
    expect(getEventListeners(signal, 'abort').length).toBe(1)
    controller.abort('enough')
    const reasons = new Set(await Promise.all(waits))
    expect([...reasons, queue.getStats().waitingGets]).toEqual(['enough', 0])
    expect(getEventListeners(signal, 'abort').length).toBe(0)
  })
})

describe('timers fire while a task never lets go of the thread by itself', () => {
  const rounds = 300_000
  const spent = () => {
    const { user, system } = process.cpuUsage()
    return { wall: performance.now(), cpu: (user + system) / 1_000 }
  }
  const loops: [string, (queue: AsyncQueue<number>) => Promise<void>][] = [
    [
      'put and get',
      async (queue) => {
        for (let i = 0; i < rounds; i++) {
          await queue.put(i)
          await queue.get()
        }
      },
    ],
    [
      'getMany',
      async (queue) => {
        for (let i = 0; i < rounds; i++) {
          queue.tryPut(i)
          await queue.getMany(1)
        }
      },
    ],
    [
      'a producer that waits for a consumer',
      async (queue) => {
        const produce = async () => {
          for (let i = 0; i < rounds; i++) await queue.put(i)
          queue.close()
        }
        let taken = 0
        const consume = async () => {
          for await (const item of queue) taken += item >= 0 ? 1 : 0
        }
        await Promise.all([produce(), consume()])
        expect(taken).toBe(rounds)
      },
    ],
  ]

  test.each(loops)('%s', async (_, loop) => {
    let ticks = 0
    let longest = 0
    let last = spent()
    const look = () => {
      const now = spent()
      // The processor time too: whoever shares the machine does not count.
      longest = Math.max(longest, Math.min(now.wall - last.wall, now.cpu - last.cpu))
      last = now
    }
    const tick = () => {
      ticks += 1
      look()
      timer = setTimeout(tick, 1)
    }
    let timer = setTimeout(tick, 1)
    await loop(new AsyncQueue({ capacity: 10 }))
    look()
    clearTimeout(timer)
    // 5 ms of work at a time; the rest is for the collector.
    expect(ticks).toBeGreaterThanOrEqual(3)
    expect(longest).toBeLessThan(50)
  })
})
