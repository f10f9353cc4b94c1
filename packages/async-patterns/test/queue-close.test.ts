import { AsyncQueue } from '@heddle/async-patterns'
import { describe, expect, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'

const closed = { name: 'ClosedError', code: 'ERR_CLOSED' }

function filled(items: readonly number[], capacity?: number): AsyncQueue<number> {
  const queue = new AsyncQueue<number>({ capacity })
  for (const item of items) queue.tryPut(item)
  return queue
}

async function collect<Item>(queue: AsyncQueue<Item>): Promise<Item[]> {
  const items: Item[] = []
  for await (const item of queue) items.push(item)
  return items
}

describe('close', () => {
  // Q9, Q14, Q19, A9
  test('refuses puts, lets gets take what is there, and then refuses them in every form', async () => {
    const queue = filled([1, 2, 3, 4])
    queue.close()
    expect(await rejectionOf(queue.put(5))).toMatchObject(closed)
    expect(await rejectionOf(queue.put(5, { timeout: 0 }))).toMatchObject(closed)
    expect(() => queue.tryPut(5)).toThrow(expect.objectContaining(closed))
    expect([queue.closed, queue.size]).toEqual([true, 4])
    expect([await queue.get(), await queue.get({ timeout: 5 }), queue.tryGet(), await queue.getMany(5)]).toEqual([
      1,
      2,
      { item: 3 },
      [4],
    ])
    expect(await rejectionOf(queue.get())).toMatchObject(closed)
    expect(await rejectionOf(queue.get({ timeout: 0 }))).toMatchObject(closed)
    expect(await rejectionOf(queue.getMany(1))).toMatchObject(closed)
    expect(() => queue.tryGet()).toThrow(expect.objectContaining(closed))
    expect(await collect(queue)).toEqual([])
    expect(queue.getStats()).toMatchObject({ putCount: 4, getCount: 4 })
  })

  // Q11, Q19, A9
  test('frees all who wait to get, and leaves nothing of them', async () => {
    const queue = new AsyncQueue<number>()
    const gets = [
      queue.get(),
      queue.get({ timeout: 60_000 }),
      queue.getMany(2),
      queue.get({ signal: new AbortController().signal }),
    ]
    const loop = collect(queue)
    expect(queue.getStats().waitingGets).toBe(5)
    queue.close()
    const errors = await Promise.all(gets.map(rejectionOf))
    for (const error of errors) expect(error).toMatchObject(closed)
    expect('cause' in (errors[0] as Error)).toBe(false)
    expect(await loop).toEqual([])
    expect(queue.getStats().waitingGets).toBe(0)
  })

  // Q11, Q19, A9
  test('frees all who wait to put; their items are not in the queue', async () => {
    const queue = filled([1], 1)
    const puts = [queue.put(2), queue.put(3, { timeout: 60_000 })]
    queue.close()
    for (const error of await Promise.all(puts.map(rejectionOf))) expect(error).toMatchObject(closed)
    expect(await collect(queue)).toEqual([1])
    expect(queue.getStats()).toMatchObject({ putCount: 1, waitingPuts: 0 })
  })

  // Q10
  test('and clear give up at once: items are handed back, those who join are freed, taskDone is an error', async () => {
    const queue = filled([1, 2], 2)
    const put = queue.put(3)
    const join = queue.join()
    queue.close()
    expect(queue.clear()).toEqual([1, 2])
    expect(await rejectionOf(put)).toMatchObject(closed)
    await join
    expect(() => queue.taskDone()).toThrow(expect.objectContaining({ code: 'ERR_OVER_RELEASE' }))
    expect(await rejectionOf(queue.get())).toMatchObject(closed)
  })

  test('while an item is in hand lets join wait until it is done', async () => {
    const queue = filled([1])
    await queue.get()
    const joined = observe(queue.join())
    queue.close()
    await drain()
    expect(joined.state).toBe('pending')
    queue.taskDone()
    await drain()
    expect(joined.state).toBe('fulfilled')
  })

  test('with a reason makes it the cause of every error, and ends for await with the error after the last item', async () => {
    const reason = new Error('the source failed')
    const queue = filled([1, 2])
    const idle = new AsyncQueue<number>()
    const waiting = [idle.get(), idle.getMany(3), collect(idle)]
    idle.close(reason)
    for (const error of await Promise.all(waiting.map(rejectionOf)))
      expect(error).toMatchObject({ ...closed, cause: reason })
    queue.close(reason)
    const seen: number[] = []
    const consume = async () => {
      for await (const item of queue) seen.push(item)
    }
    expect(await rejectionOf(consume())).toMatchObject({ ...closed, cause: reason })
    expect(seen).toEqual([1, 2])
    expect(await rejectionOf(queue.put(3))).toMatchObject({ cause: reason })
  })

  test('a second time does nothing, and its reason is not used', async () => {
    const queue = new AsyncQueue<number>()
    queue.close()
    queue.close('too late')
    queue[Symbol.dispose]()
    expect(await collect(queue)).toEqual([])
    expect(await rejectionOf(queue.get())).not.toHaveProperty('cause')
  })

  test('comes at the end of a using block', async () => {
    const outer = new AsyncQueue<number>()
    {
      using queue = outer
      expect(queue.closed).toBe(false)
    }
    expect(outer.closed).toBe(true)
  })

  test('in the turn of an abort: each waiter rejects for what came first', async () => {
    const controller = new AbortController()
    const { signal } = controller
    const queue = new AsyncQueue<number>()
    const first = queue.get({ signal })
    controller.abort('mine')
    queue.close()
    expect(await rejectionOf(first)).toBe('mine')
    const other = new AsyncQueue<number>()
    const later = new AbortController()
    const second = other.get({ signal: later.signal })
    other.close()
    later.abort('mine')
    expect(await rejectionOf(second)).toMatchObject(closed)
  })

  test('from a listener that hears of the abort before us still rejects with the reason of the signal', async () => {
    const controller = new AbortController()
    const { signal } = controller
    const queue = filled([1], 1)
    signal.addEventListener('abort', () => queue.close())
    const put = queue.put(2, { signal })
    controller.abort('mine')
    expect(await rejectionOf(put)).toBe('mine')
  })
})

describe('for await', () => {
  test('that is left takes no further item, and its iterator is over', async () => {
    const queue = filled([1, 2, 3])
    const iterator = queue[Symbol.asyncIterator]()
    for await (const item of iterator) if (item === 2) break
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
    expect(queue.size).toBe(1)
    expect(await queue.get()).toBe(3)
  })

  test('goes on with items that are put while it waits, also while it has some in hand', async () => {
    const queue = new AsyncQueue<number>({ capacity: 1 })
    const items = collect(queue)
    for (let i = 0; i < 100; i++) {
      if (i % 3 === 0) await drain()
      await queue.put(i)
    }
    queue.close()
    expect(await items).toEqual(Array.from({ length: 100 }, (_, i) => i))
  })
})
