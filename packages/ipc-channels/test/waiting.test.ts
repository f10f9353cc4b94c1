import { execFile } from 'node:child_process'
import { getEventListeners } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { describe, expect, jest, test } from '@jest/globals'
import { microtasks, rejectionOf, thrownBy, turnsOfTheLoop, until } from './support/until.js'

function queueOf<T>(capacity: number, ...items: T[]): ThreadSafeQueue<T> {
  const queue = new ThreadSafeQueue<T>({ capacity })
  for (const item of items) queue.putSync(item)
  return queue
}

/** The same queue by another object of this thread: they stand in the same lines. */
function openedAgain<T>(queue: ThreadSafeQueue<T>): ThreadSafeQueue<T> {
  return ThreadSafeQueue.fromHandle<T>(queue.toHandle())
}

/** A moment that is later with each number: some turns of the microtask queue, then some of the event loop. */
const hop = (hops: number) => (hops < 9 ? microtasks(hops) : turnsOfTheLoop(hops - 8))

const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

describe('the calls of one thread', () => {
  test('a put that has room is inside when the call returns', () => {
    const queue = queueOf<number>(3)
    void queue.put(1)
    void queue.put(2)
    expect(queue.tryPut(3)).toBe(true)
    expect([queue.getSync(), queue.getSync(), queue.getSync()]).toEqual([1, 2, 3])
  })

  test('puts that wait go in the order they came, before any later put in whatever form', async () => {
    const queue = queueOf(1, 0)
    const waiting = [queue.put(1), queue.put(2)]
    expect(queue.tryPut(9)).toBe(false)
    expect(thrownBy(() => queue.putSync(9, { timeout: 0 }))).toMatchObject({ name: 'QueueFullError' })
    expect([queue.getSync(), queue.getSync(), queue.getSync(), queue.tryGet()]).toEqual([0, 1, 2, undefined])
    await Promise.all(waiting)
  })

  test('gets that wait are served in the order they came, before any later get in whatever form', async () => {
    const queue = queueOf<number>(4)
    const waiting = [queue.get(), queue.get()]
    queue.putSync(1)
    expect(queue.tryGet()).toBeUndefined()
    expect(thrownBy(() => queue.getSync({ timeout: 0 }))).toMatchObject({ name: 'QueueEmptyError' })
    queue.putSync(2)
    queue.putSync(3)
    expect(queue.tryGet()).toEqual({ item: 3 })
    expect(await Promise.all(waiting)).toEqual([1, 2])
  })

  test('a blocking get makes room for the waiting puts of its own thread, and takes what they put', () => {
    const queue = queueOf(1, 0)
    for (let item = 1; item <= 5; item++) void queue.put(item)
    expect([0, 1, 2, 3, 4, 5].map(() => queue.getSync())).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('items that came from another thread go to those that wait here, before a call that does not wait', async () => {
    const queue = queueOf<number>(4)
    const waiting = [queue.get(), queue.get()]
    const other = openedAgain(queue)
    for (const item of [1, 2, 3, 4]) other.putSync(item)
    expect(queue.tryGet()).toEqual({ item: 3 })
    expect(queue.getSync({ timeout: 0 })).toBe(4)
    expect(await Promise.all(waiting)).toEqual([1, 2])
  })

  test('room that another thread has made goes to the puts that wait here, before a call that does not wait', async () => {
    const queue = queueOf(2, 1, 2)
    const waiting = queue.put(3)
    const other = openedAgain(queue)
    expect([other.getSync(), other.getSync()]).toEqual([1, 2])
    expect([queue.tryPut(4), queue.tryPut(5)]).toEqual([true, false])
    await waiting
    expect([other.getSync(), other.getSync()]).toEqual([3, 4])
  })

  test('an item that a waiting get was given is not touched by later puts', async () => {
    const queue = queueOf<string>(1)
    const got = queue.get()
    for (const item of ['given', 'later', 'much later']) {
      expect(queue.tryPut(item)).toBe(true)
      if (item !== 'given') queue.tryGet()
    }
    expect(await got).toBe('given')
  })

  test('a put that waits puts what the item was at the call', async () => {
    const queue = queueOf<number[]>(1, [0])
    const item = [1]
    const put = queue.put(item)
    item.push(2)
    expect([queue.getSync(), queue.getSync()]).toEqual([[0], [1]])
    await put
  })

  test('a waiting put goes on when another object of the queue has made room, in the order of the line', async () => {
    const queue = queueOf(2, 1, 2)
    const waiting = [queue.put(3), queue.put(4)]
    const other = openedAgain(queue)
    expect([other.getSync(), other.getSync()]).toEqual([1, 2])
    await Promise.all(waiting)
    expect([other.getSync(), other.getSync()]).toEqual([3, 4])
  })

  test('that wait on one object of the queue go before later ones on another', async () => {
    const queue = queueOf<number>(4)
    const other = openedAgain(queue)
    const waiting = [queue.get(), other.get(), queue.get()]
    for (let item = 0; item < 3; item++) {
      other.putSync(item)
      expect(other.tryGet()).toBeUndefined()
    }
    expect(await Promise.all(waiting)).toEqual([0, 1, 2])
    const full = queueOf(1, 0)
    const puts = [full.put(1), openedAgain(full).put(2)]
    expect(openedAgain(full).tryPut(9)).toBe(false)
    expect([full.getSync(), full.getSync(), full.getSync()]).toEqual([0, 1, 2])
    await Promise.all(puts)
  })

  test('a hundred puts at once on a queue for one arrive in order', async () => {
    const queue = queueOf<number>(1)
    const items = Array.from({ length: 100 }, (_, i) => i)
    const putting = Promise.all(items.map((item) => queue.put(item)))
    const other = openedAgain(queue)
    const taken: number[] = []
    while (taken.length < items.length) taken.push(await other.get())
    await putting
    expect(taken).toEqual(items)
  })
})

describe('a blocking call after an abort in the same turn', () => {
  test('makes room for those of its thread that still wait, and takes what they put', async () => {
    const queue = queueOf(1, 0)
    const controller = new AbortController()
    const aborted = rejectionOf(queue.put(1, { signal: controller.signal }))
    const waiting = queue.put(2)
    controller.abort('enough')
    expect([queue.getSync({ timeout: 0 }), queue.getSync({ timeout: 0 })]).toEqual([0, 2])
    expect(await aborted).toBe('enough')
    await waiting
  })

  test('serves those of its thread that still wait for an item, before itself', async () => {
    const queue = queueOf<number>(5)
    const controller = new AbortController()
    const aborted = rejectionOf(queue.get({ signal: controller.signal }))
    const waiting = queue.get()
    controller.abort('enough')
    queue.putSync(1)
    queue.putSync(2)
    expect(queue.getSync({ timeout: 0 })).toBe(2)
    expect([await aborted, await waiting]).toEqual(['enough', 1])
  })
})

describe('giving up', () => {
  test('the first of two getters is cancelled: the second gets the item', async () => {
    const queue = queueOf<string>(1)
    const controller = new AbortController()
    const [first, second] = [queue.get({ signal: controller.signal }), queue.get()]
    const rejection = rejectionOf(first)
    controller.abort('changed my mind')
    queue.putSync('item')
    expect(await rejection).toBe('changed my mind')
    expect(await second).toBe('item')
  })

  test('a getter is cancelled at any moment around the arrival of an item: the item goes to exactly one getter', async () => {
    for (let hops = 0; hops < 12; hops++) {
      const queue = queueOf<string>(2)
      const other = openedAgain(queue)
      const controller = new AbortController()
      const [first, second] = [queue.get({ signal: controller.signal }), queue.get()]
      const outcome = first.catch((reason: unknown) => reason)
      await turnsOfTheLoop()
      other.putSync('item')
      await hop(hops)
      controller.abort('cancelled')
      const firstGot = await outcome
      expect(['item', 'cancelled']).toContain(firstGot)
      if (firstGot === 'item') other.putSync('next')
      expect(await second).toBe(firstGot === 'item' ? 'next' : 'item')
      expect(queue.size).toBe(0)
    }
  })

  test('a putter is cancelled at any moment around the freeing of a slot: its item is in or it is not, and the next goes', async () => {
    for (let hops = 0; hops < 12; hops++) {
      const queue = queueOf(1, 'old')
      const other = openedAgain(queue)
      const controller = new AbortController()
      const outcome = queue.put('first', { signal: controller.signal }).then(
        () => 'in',
        (reason: unknown) => reason,
      )
      const second = queue.put('second')
      await turnsOfTheLoop()
      expect(other.getSync()).toBe('old')
      await hop(hops)
      controller.abort('cancelled')
      const first = await outcome
      expect(['in', 'cancelled']).toContain(first)
      const taken = [await other.get()]
      if (first === 'in') taken.push(await other.get())
      await second
      expect(taken).toEqual(first === 'in' ? ['first', 'second'] : ['second'])
      expect(queue.size).toBe(0)
    }
  })

  test('all getters leave while a permit is on its way: another thread gets the item', async () => {
    for (let hops = 0; hops < 6; hops++) {
      const queue = queueOf<string>(1)
      const other = openedAgain(queue)
      const controller = new AbortController()
      const outcome = queue.get({ signal: controller.signal }).catch((reason: unknown) => reason)
      const there = other.get()
      await turnsOfTheLoop()
      openedAgain(queue).putSync('item')
      await hop(hops)
      controller.abort('gone')
      if ((await outcome) === 'item') queue.putSync('item')
      expect(await there).toBe('item')
    }
  })

  test('a signal that is aborted already rejects with its reason, and nothing is put or taken', async () => {
    const queue = queueOf(2, 1)
    const reason = { any: 'thing' }
    const signal = AbortSignal.abort(reason)
    expect(await rejectionOf(queue.put(2, { signal }))).toBe(reason)
    expect(await rejectionOf(queue.get({ signal }))).toBe(reason)
    expect(queue.size).toBe(1)
  })

  test('a reason that looks like a timeout is passed on as it is, and is not counted as one', async () => {
    const queue = queueOf<number>(1)
    const reason = (await rejectionOf(queue.get({ timeout: 0 }))) as Error
    const controller = new AbortController()
    const rejection = rejectionOf(queue.get({ signal: controller.signal, timeout: 10_000 }))
    controller.abort(reason)
    expect(await rejection).toBe(reason)
    expect(queue.getStats().errors).toBe(1)
  })

  test('many waits hang on one signal with one listener, and none stays behind', async () => {
    const [empty, full] = [queueOf<number>(1), queueOf(1, 0)]
    const controller = new AbortController()
    const { signal } = controller
    const waits = Array.from({ length: 50 }, (_, i) => [
      rejectionOf(empty.get({ signal })),
      rejectionOf(full.put(i, { signal, timeout: 60_000 })),
    ]).flat()
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    controller.abort('all')
    expect(new Set(await Promise.all(waits))).toEqual(new Set(['all']))
    expect([full.size, full.getSync(), full.tryGet(), empty.size]).toEqual([1, 0, undefined, 0])
  })

  test('a wait that succeeded or timed out leaves no listener and no timer', async () => {
    const queue = queueOf<number>(1)
    const { signal } = new AbortController()
    const before = timers()
    const got = queue.get({ signal, timeout: 60_000 })
    const late = rejectionOf(queue.get({ signal, timeout: 5 }))
    queue.putSync(1)
    expect(await got).toBe(1)
    expect(await late).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    await until(() => timers() <= before, 'the timers are gone')
    queue.putSync(2)
    expect(queue.tryGet()).toEqual({ item: 2 })
  })

  test('a thousand getters that timed out take nothing from the next', async () => {
    const queue = queueOf<number>(1)
    const late = Array.from({ length: 1_000 }, () => rejectionOf(queue.get({ timeout: 1 })))
    await Promise.all(late)
    const next = queue.get()
    openedAgain(queue).putSync(1)
    expect(await next).toBe(1)
    expect(queue.getStats()).toMatchObject({ putCount: 1, getCount: 1, errors: 1_000 })
  })

  test('a get whose time has run out takes the item that came while its thread was busy', async () => {
    const queue = queueOf<string>(1)
    // Long enough for it to begin its wait, also on a machine that does other things.
    const got = queue.get({ timeout: 400 })
    openedAgain(queue).putSync('there')
    const end = performance.now() + 420
    while (performance.now() < end);
    expect(await got).toBe('there')
  })

  test('a wait outlasts the longest delay that a timer takes, and ends at its time', async () => {
    jest.useFakeTimers()
    try {
      const queue = queueOf<number>(1)
      let outcome: unknown = 'waiting'
      const late = rejectionOf(queue.get({ timeout: 2 ** 31 + 99 })).then((error) => {
        outcome = error
      })
      await jest.advanceTimersByTimeAsync(2 ** 31 + 98)
      expect(outcome).toBe('waiting')
      await jest.advanceTimersByTimeAsync(1)
      await late
      expect(outcome).toMatchObject({ name: 'QueueEmptyError' })
    } finally {
      jest.useRealTimers()
    }
  })

  test('a timeout longer than timers can take, and an infinite one, do not end early', async () => {
    const queue = queueOf<number>(2)
    const waits = [queue.get({ timeout: 2 ** 31 + 5 }), queue.get({ timeout: Number.POSITIVE_INFINITY })]
    await turnsOfTheLoop(5)
    queue.putSync(1)
    queue.putSync(2)
    expect(await Promise.all(waits)).toEqual([1, 2])
  })
})

describe('the process', () => {
  const run = async (script: string) => {
    const file = fileURLToPath(new URL('./fixtures/lonely.mjs', import.meta.url))
    return (await promisify(execFile)(process.execPath, [file, script], { timeout: 20_000 })).stdout
  }

  test('ends although a queue is open that nobody waits on', async () => {
    expect(await run('idle')).toBe('made\n')
  })

  test('lives while a get is pending, and ends after it', async () => {
    expect(await run('pending')).toBe('got from the worker\n')
  })
})
