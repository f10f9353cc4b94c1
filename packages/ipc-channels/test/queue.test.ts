import { toBytes } from '@heddle/codec'
import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { describe, expect, test } from '@jest/globals'
import { rejectionOf, thrownBy } from './support/until.js'

function filled<T>(...items: T[]): ThreadSafeQueue<T> {
  const queue = new ThreadSafeQueue<T>({ capacity: items.length })
  for (const item of items) queue.putSync(item)
  return queue
}

/** A shared object of a package that nobody imports. */
class Foreign {
  toHandle() {
    return { kind: 'no-package/Nothing' }
  }
}

describe('items', () => {
  test('come out in the order they went in, around the end of the ring many times', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 3 })
    const taken: number[] = []
    for (let round = 0; round < 10; round++) {
      await queue.put(4 * round)
      queue.putSync(4 * round + 1)
      expect(queue.tryPut(4 * round + 2)).toBe(true)
      taken.push(queue.getSync(), await queue.get())
      void queue.put(4 * round + 3)
      taken.push(queue.getSync(), (queue.tryGet() as { item: number }).item)
    }
    expect(taken).toEqual(Array.from({ length: 40 }, (_, i) => i))
  })

  test.each([undefined, null, false, 0, '', 'ü', Number.NaN, 12n, [], [undefined]])('may be %p', async (item) => {
    const queue = new ThreadSafeQueue<unknown>()
    for (let form = 0; form < 3; form++) queue.putSync(item)
    expect([queue.tryGet(), queue.getSync(), await queue.get()]).toEqual([{ item }, item, item])
    expect(queue.tryGet()).toBeUndefined()
  })

  test('are copied at the call: what happens to the original or to the ring later does not change them', () => {
    const queue = new ThreadSafeQueue<{ list: number[]; bytes: Uint8Array }>({ capacity: 1 })
    const item = { list: [1], bytes: Uint8Array.of(1, 2, 3) }
    void queue.put(item)
    item.list.push(2)
    item.bytes.fill(9)
    const taken = queue.getSync()
    queue.putSync({ list: [7, 7, 7], bytes: Uint8Array.of(7, 7, 7, 7) })
    expect(taken).toEqual({ list: [1], bytes: Uint8Array.of(1, 2, 3) })
  })

  test('keep their errors whole, code and cause among them', () => {
    const queue = new ThreadSafeQueue<Error>({ capacity: 1, capacityBytes: 100_000 })
    queue.putSync(Object.assign(new RangeError('too far', { cause: new TypeError('why') }), { code: 'E_FAR' }))
    const error = queue.getSync()
    expect(error).toBeInstanceOf(RangeError)
    expect(error).toMatchObject({ name: 'RangeError', message: 'too far', code: 'E_FAR', cause: { name: 'TypeError' } })
  })

  test('of exactly capacityBytes fit; one byte more is ERR_OUT_OF_RANGE, and nothing is written', async () => {
    const fits = 'x'.repeat(100)
    const capacityBytes = toBytes(fits).byteLength
    const queue = new ThreadSafeQueue<string>({ capacity: 2, capacityBytes })
    queue.putSync(fits)
    for (const failure of [
      await rejectionOf(queue.put(`${fits}x`)),
      thrownBy(() => queue.putSync(`${fits}x`)),
      thrownBy(() => queue.tryPut(`${fits}x`)),
    ])
      expect(failure).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })
    expect([queue.size, queue.getSync()]).toEqual([1, fits])
    expect(queue.getStats()).toMatchObject({ putCount: 1, getCount: 1, errors: 0 })
  })

  test.each([
    ['a function', { deep: [() => {}] }, '.deep[0]'],
    ['a symbol', Symbol('s'), ''],
    ['a SharedArrayBuffer', [new SharedArrayBuffer(8)], '[0]'],
    ['a queue', { queue: new ThreadSafeQueue() }, '.queue.toHandle().buffer'],
  ])('that hold %s are ERR_NOT_CLONEABLE, and the queue goes on', async (_, item, path) => {
    const queue = new ThreadSafeQueue<unknown>({ capacity: 1 })
    for (const failure of [
      await rejectionOf(queue.put(item)),
      thrownBy(() => queue.putSync(item)),
      thrownBy(() => queue.tryPut(item)),
    ])
      expect(failure).toMatchObject({ code: 'ERR_NOT_CLONEABLE', path })
    expect(queue.size).toBe(0)
    expect(queue.tryPut('next')).toBe(true)
    expect(queue.tryGet()).toEqual({ item: 'next' })
  })

  test('whose copying throws pass the error on, and the queue counts right', async () => {
    const queue = new ThreadSafeQueue<object>({ capacity: 1 })
    const failure = new Error('no')
    const item = {
      get bad() {
        throw failure
      },
    }
    expect(await rejectionOf(queue.put(item))).toBe(failure)
    expect(thrownBy(() => queue.tryPut(item))).toBe(failure)
    expect(queue.tryPut({ good: 1 })).toBe(true)
    expect([queue.size, queue.getStats().putCount]).toEqual([1, 1])
  })

  test('that cannot be opened here fail the get with ERR_BAD_HANDLE and are gone; the next one arrives', async () => {
    const queue = filled<unknown>(new Foreign(), new Foreign(), new Foreign(), 'next')
    for (const failure of [
      await rejectionOf(queue.get()),
      thrownBy(() => queue.getSync()),
      thrownBy(() => queue.tryGet()),
    ])
      expect(failure).toMatchObject({ name: 'TypeError', code: 'ERR_BAD_HANDLE' })
    expect(queue.size).toBe(1)
    expect(queue.getSync()).toBe('next')
    expect(queue.getStats()).toMatchObject({ putCount: 4, getCount: 4, errors: 0 })
  })
})

describe('a full queue', () => {
  test('refuses a put at once with timeout 0 and in the try form, and hands the item back', async () => {
    const queue = filled('old')
    const failures = [
      await rejectionOf(queue.put('new', { timeout: 0 })),
      thrownBy(() => queue.putSync('new', { timeout: 0 })),
    ]
    for (const failure of failures)
      expect(failure).toMatchObject({ name: 'QueueFullError', code: 'ERR_TIMEOUT', item: 'new' })
    expect(queue.tryPut('new')).toBe(false)
    expect([queue.size, queue.getSync()]).toEqual([1, 'old'])
    expect(queue.tryGet()).toBeUndefined()
  })

  test('refuses a put after its timeout, not before', async () => {
    const queue = filled('old')
    const begun = performance.now()
    expect(thrownBy(() => queue.putSync('new', { timeout: 40 }))).toMatchObject({ name: 'QueueFullError' })
    const between = performance.now()
    expect(await rejectionOf(queue.put('new', { timeout: 40 }))).toMatchObject({ name: 'QueueFullError' })
    const ended = performance.now()
    expect(between - begun).toBeGreaterThanOrEqual(40)
    expect(ended - between).toBeGreaterThanOrEqual(40)
    expect(ended - begun).toBeLessThan(1_080)
    expect(queue.size).toBe(1)
  })
})

describe('an empty queue', () => {
  test('refuses a get at once with timeout 0 and in the try form', async () => {
    const queue = new ThreadSafeQueue()
    const failures = [await rejectionOf(queue.get({ timeout: 0 })), thrownBy(() => queue.getSync({ timeout: 0 }))]
    for (const failure of failures) expect(failure).toMatchObject({ name: 'QueueEmptyError', code: 'ERR_TIMEOUT' })
    expect(queue.tryGet()).toBeUndefined()
  })

  test('refuses a get after its timeout, not before', async () => {
    const queue = new ThreadSafeQueue()
    const begun = performance.now()
    expect(thrownBy(() => queue.getSync({ timeout: 40 }))).toMatchObject({ name: 'QueueEmptyError' })
    const between = performance.now()
    expect(await rejectionOf(queue.get({ timeout: 40 }))).toMatchObject({ name: 'QueueEmptyError' })
    const ended = performance.now()
    expect(between - begun).toBeGreaterThanOrEqual(40)
    expect(ended - between).toBeGreaterThanOrEqual(40)
    expect(ended - begun).toBeLessThan(1_080)
  })
})

describe('a closed queue', () => {
  /** A call that should have failed at once then fails for another reason, instead of blocking the test. */
  const soon = { timeout: 1_000 }

  test('refuses every put, gives what is left in order, and then refuses every get', async () => {
    const queue = filled(1, 2, 3)
    queue.close()
    queue.close()
    for (const failure of [
      await rejectionOf(queue.put(4)),
      await rejectionOf(queue.put(4, { timeout: 0 })),
      thrownBy(() => queue.putSync(4, soon)),
      thrownBy(() => queue.tryPut(4)),
    ])
      expect(failure).toMatchObject({ name: 'ClosedError', code: 'ERR_CLOSED' })
    expect([await queue.get(), queue.getSync(), queue.tryGet()]).toEqual([1, 2, { item: 3 }])
    for (const failure of [
      await rejectionOf(queue.get()),
      await rejectionOf(queue.get({ timeout: 0 })),
      thrownBy(() => queue.getSync(soon)),
      thrownBy(() => queue.tryGet()),
    ])
      expect(failure).toMatchObject({ name: 'ClosedError', code: 'ERR_CLOSED' })
    expect(queue.getStats()).toMatchObject({ putCount: 3, getCount: 3, errors: 0 })
  })

  test('is closed for an object that is opened later', () => {
    const queue = filled('left')
    queue.close()
    const opened = ThreadSafeQueue.fromHandle(queue.toHandle())
    expect(thrownBy(() => opened.tryPut('more'))).toMatchObject({ code: 'ERR_CLOSED' })
    expect(opened.getSync()).toBe('left')
    expect(thrownBy(() => opened.getSync(soon))).toMatchObject({ code: 'ERR_CLOSED' })
  })

  test('refuses gets and puts at once however many there were before', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 1 })
    queue.close()
    for (let i = 0; i < 200; i++) {
      expect(await rejectionOf(queue.get())).toMatchObject({ code: 'ERR_CLOSED' })
      expect(thrownBy(() => queue.getSync(soon))).toMatchObject({ code: 'ERR_CLOSED' })
      expect(thrownBy(() => queue.putSync(i, soon))).toMatchObject({ code: 'ERR_CLOSED' })
    }
  })
})

describe('for await', () => {
  test('gives every item and ends when the queue is closed and drained', async () => {
    const queue = filled(1, 2, 3)
    const taken: number[] = []
    for await (const item of queue) {
      taken.push(item)
      if (item === 2) queue.close()
    }
    expect(taken).toEqual([1, 2, 3])
  })

  test('takes an item once whose body throws, passes the error on and leaves the rest', async () => {
    const queue = filled(1, 2, 3)
    const failure = new Error('at the second')
    const taken: number[] = []
    const loop = (async () => {
      for await (const item of queue) {
        taken.push(item)
        if (item === 2) throw failure
      }
    })()
    expect(await rejectionOf(loop)).toBe(failure)
    expect(taken).toEqual([1, 2])
    expect([queue.size, queue.getSync()]).toEqual([1, 3])
  })

  test('passes on an error that is not the end', async () => {
    const queue = filled<unknown>(new Foreign())
    const loop = (async () => {
      for await (const _ of queue);
    })()
    expect(await rejectionOf(loop)).toMatchObject({ code: 'ERR_BAD_HANDLE' })
  })
})

describe('counts', () => {
  test('size and getStats count what succeeded, and errors what was full or empty', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 2 })
    expect([queue.size, queue.capacity]).toEqual([0, 2])
    queue.tryGet()
    await rejectionOf(queue.get({ timeout: 0 }))
    thrownBy(() => queue.getSync({ timeout: 0 }))
    await rejectionOf(queue.get({ timeout: 1 }))
    expect(queue.getStats()).toMatchObject({ putCount: 0, getCount: 0, errors: 4 })
    await queue.put(1)
    queue.putSync(2)
    queue.tryPut(3)
    await rejectionOf(queue.put(3, { timeout: 0 }))
    thrownBy(() => queue.putSync(3, { timeout: 0 }))
    await rejectionOf(queue.put(3, { timeout: 1 }))
    expect(queue.getStats()).toMatchObject({ putCount: 2, getCount: 0, errors: 8 })
    expect(queue.size).toBe(2)
    queue.getSync()
    expect(queue.getStats()).toMatchObject({ putCount: 2, getCount: 1, errors: 8 })
    expect(queue.size).toBe(1)
  })

  test('an aborted wait, a bad item and a closed queue are no errors of theirs', async () => {
    const queue = new ThreadSafeQueue<unknown>({ capacity: 1 })
    await rejectionOf(queue.get({ signal: AbortSignal.abort() }))
    thrownBy(() => queue.tryPut(() => {}))
    queue.close()
    thrownBy(() => queue.tryGet())
    expect(queue.getStats()).toMatchObject({ putCount: 0, getCount: 0, errors: 0 })
  })
})

describe('arguments', () => {
  test('without options a queue holds 1,000 items of 256 KiB together', () => {
    const queue = new ThreadSafeQueue<string>()
    expect([queue.capacity, queue.capacityBytes]).toEqual([1_000, 262_144])
    const overhead = toBytes('x').byteLength - 1
    queue.putSync('x'.repeat(262_144 - overhead))
    expect(thrownBy(() => queue.putSync('x'.repeat(262_145 - overhead)))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    expect(queue.tryPut('')).toBe(false)
    queue.getSync()
    for (let item = 0; item < 1_000; item++) queue.putSync('x'.repeat(item % 200))
    expect(queue.tryPut('')).toBe(false)
  })

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 30 + 1])(
    'a capacity or a size of %p is ERR_OUT_OF_RANGE: no queue is unbounded, none has no room',
    (value) => {
      expect(thrownBy(() => new ThreadSafeQueue({ capacity: value }))).toMatchObject({
        name: 'RangeError',
        code: 'ERR_OUT_OF_RANGE',
      })
      expect(thrownBy(() => new ThreadSafeQueue({ capacity: 4, capacityBytes: value }))).toMatchObject({
        name: 'RangeError',
        code: 'ERR_OUT_OF_RANGE',
      })
    },
  )

  test.each([
    ['options', null],
    ['options', 5],
    ['capacity', { capacity: '5' }],
    ['capacity', { capacity: null }],
    ['capacityBytes', { capacityBytes: 5n }],
    ['memory', { memory: {} }],
  ])('%s of the wrong kind are ERR_INVALID_ARG: %p', (name, options) => {
    const failure = thrownBy(() => new ThreadSafeQueue(options as never))
    expect(failure).toMatchObject({
      name: 'TypeError',
      code: 'ERR_INVALID_ARG',
      message: expect.stringContaining(name),
    })
  })

  test.each([
    ['RangeError', 'ERR_OUT_OF_RANGE', { timeout: -1 }],
    ['RangeError', 'ERR_OUT_OF_RANGE', { timeout: Number.NaN }],
    ['TypeError', 'ERR_INVALID_ARG', { timeout: '5' }],
    ['TypeError', 'ERR_INVALID_ARG', null],
    ['TypeError', 'ERR_INVALID_ARG', 5],
  ])('are refused with %s %s by put, get and their Sync forms, and nothing is changed: %p', async (name, code, bad) => {
    const queue = new ThreadSafeQueue<number>({ capacity: 2 })
    queue.putSync(1)
    const options = bad as never
    for (const failure of [
      await rejectionOf(queue.put(2, options)),
      await rejectionOf(queue.get(options)),
      thrownBy(() => queue.putSync(2, options)),
      thrownBy(() => queue.getSync(options)),
    ])
      expect(failure).toMatchObject({ name, code })
    expect(queue.getStats()).toMatchObject({ putCount: 1, getCount: 0, errors: 0 })
  })

  test.each([5, {}, null])('a signal of %p is ERR_INVALID_ARG, and nothing is changed', async (signal) => {
    const queue = filled(1)
    const options = { signal: signal as never }
    expect(await rejectionOf(queue.put(2, options))).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG' })
    expect(await rejectionOf(queue.get(options))).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG' })
    expect(queue.size).toBe(1)
  })
})
