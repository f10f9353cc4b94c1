import { AsyncQueue } from '@heddle/async-patterns'
import { describe, expect, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

describe('order', () => {
  test.each([1, 2, 15, 16, 17, 1_000, Number.POSITIVE_INFINITY])(
    'with %p places, what is put first is taken first',
    async (capacity) => {
      const queue = new AsyncQueue<number>({ capacity })
      const taken: number[] = []
      const puts = numbers(200).map((i) => queue.put(i))
      while (queue.size > 0) taken.push(await queue.get())
      await Promise.all(puts)
      expect(taken).toEqual(numbers(200))
      expect(queue.getStats()).toMatchObject({
        putCount: 200,
        getCount: 200,
        size: 0,
        highestSize: Math.min(capacity, 200),
      })
    },
  )

  test('is kept while the store grows with its first item anywhere', () => {
    for (let first = 0; first < 40; first++) {
      const queue = new AsyncQueue<number>()
      for (const i of numbers(first)) queue.tryPut(i)
      for (const i of numbers(first)) expect(queue.tryGet()).toEqual({ item: i })
      for (const i of numbers(100)) queue.tryPut(i)
      expect(queue.clear()).toEqual(numbers(100))
    }
  })

  // A10
  test('those who wait are served in the order they asked, and share the items in turn', async () => {
    const queue = new AsyncQueue<number>()
    const seen: string[] = []
    const consume = async (name: string) => {
      for await (const item of queue) seen.push(`${name}${item}`)
    }
    const consumers = ['a', 'b', 'c'].map(consume)
    for (const i of numbers(9)) {
      await queue.put(i)
      await drain()
    }
    queue.close()
    await Promise.all(consumers)
    expect(seen).toEqual(['a0', 'b1', 'c2', 'a3', 'b4', 'c5', 'a6', 'b7', 'c8'])
  })

  test('an item that is put while somebody waits is gone for everybody else before that one runs', async () => {
    const queue = new AsyncQueue<string>()
    const waiting = observe(queue.get())
    expect(queue.tryPut('item')).toBe(true)
    expect(waiting.state).toBe('pending')
    expect(queue.tryGet()).toBeUndefined()
    expect(await rejectionOf(queue.get({ timeout: 0 }))).toMatchObject({ name: 'QueueEmptyError', code: 'ERR_TIMEOUT' })
    expect(waiting).toMatchObject({ state: 'fulfilled', value: 'item' })
  })

  test('a place that becomes free is of the first put that waits before that one runs', async () => {
    const queue = new AsyncQueue<number>({ capacity: 1 })
    await queue.put(0)
    const waiting = observe(queue.put(1))
    expect(queue.tryGet()).toEqual({ item: 0 })
    expect(waiting.state).toBe('pending')
    expect(queue.tryPut(2)).toBe(false)
    expect(queue.clear()).toEqual([1])
    await drain()
    expect(waiting.state).toBe('fulfilled')
  })

  test('a put that gives up in the middle leaves the others in their order', async () => {
    const queue = new AsyncQueue<number>({ capacity: 1 })
    const controller = new AbortController()
    const puts = numbers(6).map((i) => observe(queue.put(i, i === 3 ? { signal: controller.signal } : {})))
    controller.abort('enough')
    const taken: number[] = []
    for await (const item of queue) {
      taken.push(item)
      if (item === 5) break
    }
    expect(taken).toEqual([0, 1, 2, 4, 5])
    expect(puts.map(({ state }) => state)).toEqual([
      ...Array(3).fill('fulfilled'),
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
  })

  // Q4
  test.each([1, 2, 7, 200])(
    'four producers and four consumers over %p places: each item once, in the order of its producer',
    async (capacity) => {
      const queue = new AsyncQueue<{ by: number; number: number }>({ capacity })
      const seen: number[][] = numbers(4).map(() => [])
      const consumers = numbers(4).map(async () => {
        for await (const { by, number } of queue) seen[by]?.push(number)
      })
      const produce = async (by: number) => {
        for (const number of numbers(1_000)) await queue.put({ by, number })
      }
      await Promise.all(numbers(4).map(produce))
      queue.close()
      await Promise.all(consumers)
      expect(seen).toEqual(numbers(4).map(() => numbers(1_000)))
    },
  )
})

describe('items', () => {
  const having = (name: string, get: () => unknown) => Object.defineProperty({}, name, { get })
  const thenable = having('then', () => () => undefined)
  const rejected = Promise.reject(new Error('an item'))
  rejected.catch(() => undefined)
  const items: unknown[] = [
    undefined,
    null,
    Number.NaN,
    0,
    '',
    false,
    Promise.resolve(1),
    rejected,
    thenable,
    { done: true },
  ]

  test('of any kind come out of tryGet, getMany, clear and for await as they are', async () => {
    const queue = new AsyncQueue<unknown>()
    const fill = () => {
      for (const item of items) queue.tryPut(item)
    }
    const identical = (taken: readonly unknown[]) =>
      taken.length === items.length && taken.every((item, i) => Object.is(item, items[i]))
    fill()
    expect(identical(items.map(() => queue.tryGet()?.item))).toBe(true)
    fill()
    expect(identical(await queue.getMany(100))).toBe(true)
    fill()
    expect(identical(queue.clear())).toBe(true)
    fill()
    queue.close()
    const taken: unknown[] = []
    for await (const item of queue) taken.push(item)
    expect(identical(taken)).toBe(true)
  })

  test('of any kind are handed as they are to getMany and for await that wait', async () => {
    for (const item of items) {
      const queue = new AsyncQueue<unknown>()
      const waiting = [
        queue.getMany(2).then(([first]) => ({ first })),
        queue[Symbol.asyncIterator]()
          .next()
          .then(({ value }) => ({ first: value })),
      ]
      queue.tryPut(item)
      queue.tryPut(item)
      for (const { first } of await Promise.all(waiting)) expect(Object.is(first, item)).toBe(true)
    }
  })

  test('undefined and null are items for get, waiting or not, and a promise is awaited by it', async () => {
    const queue = new AsyncQueue<unknown>()
    const waiting = queue.get()
    for (const item of [undefined, null, Promise.resolve(1), rejected]) void queue.put(item)
    expect([await waiting, await queue.get(), await queue.get()]).toEqual([undefined, null, 1])
    expect(await rejectionOf(queue.get())).toMatchObject({ message: 'an item' })
    expect(queue.size).toBe(0)
  })

  // Q12: the nearest thing to a store that fails is an item that throws when it is touched.
  test('one whose `then` throws fails its get alone, and the queue counts right', async () => {
    const queue = new AsyncQueue<unknown>()
    const bad = having('then', () => {
      throw new Error('do not touch')
    })
    const waiting = rejectionOf(queue.get())
    await queue.put(bad)
    await queue.put(bad)
    await queue.put(3)
    expect(await waiting).toMatchObject({ message: 'do not touch' })
    expect(await rejectionOf(queue.get())).toMatchObject({ message: 'do not touch' })
    expect(await queue.get()).toBe(3)
    expect(queue.getStats()).toMatchObject({ putCount: 3, getCount: 3, size: 0, waitingGets: 0 })
  })
})

describe('getMany', () => {
  // Q18
  test.each([[1], [3], [4], [9]])(
    'of %p from a full queue gives that many at most, in order, and lets puts in',
    async (most) => {
      const queue = new AsyncQueue<number>({ capacity: 4 })
      const puts = numbers(6).map((i) => observe(queue.put(i)))
      expect(await queue.getMany(most)).toEqual(numbers(Math.min(most, 4)))
      await drain()
      expect(puts.filter(({ state }) => state === 'pending').length).toBe(Math.max(0, 2 - most))
      const rest = [...queue.clear(), ...queue.clear()]
      expect(rest).toEqual(numbers(6).slice(Math.min(most, 4)))
    },
  )

  test('that waits gives the item that comes and what was put behind it in the same turn, without those of others', async () => {
    const queue = new AsyncQueue<number>()
    const many = queue.getMany(3)
    const one = queue.get()
    for (const i of numbers(6)) queue.tryPut(i)
    expect(await many).toEqual([0, 2, 3])
    expect(await one).toBe(1)
    expect(queue.clear()).toEqual([4, 5])
  })

  test('that waits resolves with one item when no more come', async () => {
    const queue = new AsyncQueue<string>()
    const many = queue.getMany(10)
    queue.tryPut('only')
    expect(await many).toEqual(['only'])
  })
})

describe('done and joined', () => {
  // Q8
  test('an empty queue is joined at once, a closed one too, also with timeout 0', async () => {
    const queue = new AsyncQueue<number>()
    await queue.join({ timeout: 0 })
    queue.close()
    await expect(queue.join()).resolves.toBeUndefined()
  })

  // Q7
  test('join resolves exactly when the last item is done, for all who join', async () => {
    const queue = new AsyncQueue<number>({ capacity: 2 })
    for (const i of numbers(2)) await queue.put(i)
    const put = queue.put(2)
    const joins = [observe(queue.join()), observe(queue.join({ timeout: 60_000 }))]
    const states = async () => {
      await drain()
      return joins.map(({ state }) => state)
    }
    expect(await queue.getMany(3)).toEqual([0, 1])
    await put
    queue.taskDone(2)
    expect(await states()).toEqual(['pending', 'pending'])
    await queue.get()
    expect(queue.getStats().unfinished).toBe(1)
    expect(await states()).toEqual(['pending', 'pending'])
    queue.taskDone()
    expect(await states()).toEqual(['fulfilled', 'fulfilled'])
  })

  // Q7
  test('taskDone for more than was taken is refused and counts nothing', async () => {
    const queue = new AsyncQueue<number>()
    const tooMany = expect.objectContaining({ name: 'LockStateError', code: 'ERR_OVER_RELEASE' })
    expect(() => queue.taskDone()).toThrow(tooMany)
    await queue.put(1)
    await queue.put(2)
    expect(() => queue.taskDone()).toThrow(tooMany)
    await queue.get()
    expect(() => queue.taskDone(2)).toThrow(tooMany)
    expect(queue.getStats().unfinished).toBe(2)
    queue.taskDone()
    expect(() => queue.taskDone()).toThrow(tooMany)
    expect(queue.getStats().unfinished).toBe(1)
  })

  // Q23
  test('a consumer that throws at the second item has taken two, and the rest stays', async () => {
    const queue = new AsyncQueue<number>()
    for (const i of numbers(4)) queue.tryPut(i)
    const consume = async () => {
      for await (const item of queue) if (item === 1) throw new Error('the second')
    }
    expect(await rejectionOf(consume())).toMatchObject({ message: 'the second' })
    expect(queue.getStats()).toMatchObject({ getCount: 2, size: 2, waitingGets: 0 })
    expect(await queue.get()).toBe(2)
  })

  test('clear hands back what waits, which counts as done, and lets puts move up', async () => {
    const queue = new AsyncQueue<number>({ capacity: 2 })
    const puts = numbers(5).map((i) => observe(queue.put(i)))
    const joined = observe(queue.join())
    expect(queue.clear()).toEqual([0, 1])
    expect(queue.getStats()).toMatchObject({ size: 2, waitingPuts: 1, unfinished: 2, getCount: 2 })
    expect(queue.clear()).toEqual([2, 3])
    await drain()
    expect(joined.state).toBe('pending')
    expect(queue.clear()).toEqual([4])
    await drain()
    expect([joined.state, ...puts.map(({ state }) => state)]).toEqual(Array(6).fill('fulfilled'))
    expect(queue.clear()).toEqual([])
  })
})
