import { Segment, SharedArray, SharedValue } from '@heddle/shared-memory'
import { type Memory, Mutex, type SharedObjectHandle, type ThreadMemory } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Closable } from './support/closable.js'
import { elementTypes, isBig, samples } from './support/element-samples.js'
import { homes } from './support/homes.js'
import { badHandle, invalid, outcomeOf, outOfRange } from './support/outcome.js'

const closed = expect.objectContaining({ name: 'ClosedError', code: 'ERR_CLOSED' })
const memories = homes.filter(({ home }) => home !== 'a buffer of its own') as readonly {
  home: string
  memory: () => Memory
}[]

describe.each(homes)('in $home', ({ memory }) => {
  test.each(elementTypes)('an array of %s and a value give back what they hold, also through a handle', (type) => {
    const options = { memory: memory() }
    const { held } = samples[type]
    const array = new SharedArray(type, held, options)
    const other = SharedArray.fromHandle(structuredClone(array.toHandle()))
    expect([...array]).toEqual(held)
    expect([...other]).toEqual(held)
    expect([...array.view]).toEqual(held)
    expect([...new SharedArray(type, 3, options)]).toEqual(isBig(type) ? [0n, 0n, 0n] : [0, 0, 0])
    const value = new SharedValue(type, held[1], options)
    const last = held.at(-1) as number
    SharedValue.fromHandle(structuredClone(value.toHandle())).value = last
    expect(value.value).toBe(last)
    expect([array.type, array.length, value.type]).toEqual([type, held.length, type])
  })

  test('the elements lie on cache lines of their own, and neighbours do not touch', () => {
    const options = { memory: memory() }
    const arrays = [1, 63, 64, 65].map((length) => new SharedArray('c', length, options))
    for (const [n, array] of arrays.entries()) {
      expect(array.view.byteOffset % 64).toBe(0)
      array.view.fill(n + 1)
    }
    expect(arrays.map((array) => new Set(array))).toEqual([1, 2, 3, 4].map((n) => new Set([n])))
  })

  test('random writes through three objects and a view read as those of a plain array', () => {
    const options = { memory: memory() }
    const length = 9
    const [array, twin] = [new SharedArray('int16', length, options), Array.from({ length }, () => 0)]
    const others = [array, SharedArray.fromHandle(array.toHandle()), SharedArray.fromHandle(array.toHandle())]
    const write = fc.record({ by: fc.nat(3), index: fc.nat(length - 1), value: fc.integer({ min: -9, max: 9 }) })
    const bounds = fc.tuple(fc.integer({ min: -12, max: 12 }), fc.integer({ min: -12, max: 12 }))
    fc.assert(
      fc.property(fc.array(write), bounds, (writes, [start, end]) => {
        for (const { by, index, value } of writes) {
          twin[index] = value
          if (by === 3) array.view[index] = value
          else others[by]?.set(index, value)
        }
        for (const each of others) {
          expect([...each]).toEqual(twin)
          expect([...each.view]).toEqual(twin)
          expect(each.slice(start, end)).toEqual(twin.slice(start, end))
          expect(each.slice(start)).toEqual(twin.slice(start))
          expect(each.slice()).toEqual(twin)
        }
      }),
    )
  })

  test('the bounds of a slice are whole numbers', () => {
    const array = new SharedArray('i', [1, 2], { memory: memory() })
    expect(array.slice(undefined, 1)).toEqual([1])
    for (const bound of [0.5, Number.NaN, Infinity]) {
      expect(outcomeOf(() => array.slice(bound))).toEqual(outOfRange)
      expect(outcomeOf(() => array.slice(0, bound))).toEqual(outOfRange)
    }
    for (const bound of ['0', null, 1n] as unknown as number[]) {
      expect(outcomeOf(() => array.slice(bound))).toEqual(invalid)
      expect(outcomeOf(() => array.slice(0, bound))).toEqual(invalid)
    }
  })

  test('after dispose every member throws ERR_CLOSED, in each object of it, and its handle is refused', () => {
    const options = { memory: memory() }
    const made = [new SharedArray('i', [1, 2], options), new SharedValue('i', 7, options)] as const
    const handles = [made[0].toHandle(), made[1].toHandle()] as const
    const opened = [SharedArray.fromHandle(handles[0]), SharedValue.fromHandle(handles[1])] as const
    opened[0].dispose()
    made[1].dispose()
    for (const [array, value] of [made, opened]) expectNothing(array, value)
    expect(outcomeOf(() => SharedArray.fromHandle(handles[0]))).toEqual(badHandle)
    expect(outcomeOf(() => SharedValue.fromHandle(handles[1]))).toEqual(badHandle)
    for (const each of [...made, ...opened]) each.dispose()
  })

  test('an object that was disposed of is not taken for the next one in its place', () => {
    const options = { memory: memory() }
    const [first, stale] = [new SharedValue('i', 1, options), new SharedArray('i', 1, options)]
    const [other, staleHandle] = [SharedArray.fromHandle(stale.toHandle()), stale.toHandle()]
    stale.dispose()
    const next = Array.from({ length: 5 }, (_, n) => new SharedArray('i', [n + 5], options))
    other.dispose()
    expect(outcomeOf(() => other.set(0, 9))).toEqual(closed)
    expect(outcomeOf(() => other.get(0))).toEqual(closed)
    expect(outcomeOf(() => SharedArray.fromHandle(staleHandle))).toEqual(badHandle)
    expect([first.value, ...next.map((array) => array.get(0))]).toEqual([1, 5, 6, 7, 8, 9])
  })
})

function expectNothing(array: SharedArray<'int32'>, value: SharedValue<'int32'>): void {
  const calls: Record<string, () => unknown> = {
    get: () => array.get(0),
    set: () => array.set(0, 5),
    view: () => array.view,
    iterate: () => [...array],
    slice: () => array.slice(),
    'slice of nothing': () => array.slice(1, 1),
    'lock of the array': () => array.getLock(),
    'handle of the array': () => array.toHandle(),
    value: () => value.value,
    'set value': () => {
      value.value = 5
    },
    add: () => value.add(1),
    compareAndSet: () => value.compareAndSet(0, 1),
    'compareAndSet of another value': () => value.compareAndSet(2 ** 30, 1),
    'lock of the value': () => value.getLock(),
    'handle of the value': () => value.toHandle(),
  }
  for (const [name, call] of Object.entries(calls)) expect([name, outcomeOf(call)]).toEqual([name, closed])
}

describe.each(memories)('in $home', ({ memory }) => {
  test('elements and view are words of the memory, and the lock is in it', () => {
    const own = memory()
    const array = new SharedArray('int32', [1, 2, 3], { memory: own })
    expect(array.view.buffer).toBe(own.words.buffer)
    expect([...own.words.subarray(array.view.byteOffset / 4, array.view.byteOffset / 4 + 3)]).toEqual([1, 2, 3])
    const { lock, index, ...rest } = array.toHandle()
    const { kind: _, version: __, index: lockIndex, ...lockMemory } = lock
    expect(rest).toMatchObject({ memory: lockMemory.memory })
    expect(own.isAllocated(lockIndex)).toBe(true)
    expect(own.isAllocated(index)).toBe(true)
    const guard = array.getLock().acquireSync()
    expect(Mutex.fromHandle(lock).tryAcquire()).toBeUndefined()
    guard.release()
  })

  test('is refused when a field of the handle is missing, damaged, or of another object', () => {
    const own = memory()
    const array = new SharedArray('float64', 3, { memory: own })
    const handle = array.toHandle()
    const other = new SharedArray('float64', 3, { memory: own }).toHandle()
    const damages: Record<string, unknown[]> = {
      kind: [undefined, 'shared-memory/SharedValue'],
      version: [undefined, 1],
      type: [undefined, 'int32', 'd', 'biguint64'],
      length: [undefined, 2, 4, '3'],
      memory: ['none', 7, null],
      index: [
        undefined,
        -16,
        0,
        1.5,
        Number(handle.index) + 16,
        Number(handle.index) + 1,
        2 ** 31,
        '16',
        handle.lock.index,
      ],
      lock: [undefined, null, {}, other.lock, new Mutex({ memory: own }).toHandle(), other],
    }
    for (const [field, values] of Object.entries(damages))
      for (const value of values)
        expect([field, outcomeOf(() => SharedArray.fromHandle({ ...handle, [field]: value } as never))]).toEqual([
          field,
          badHandle,
        ])
    expect(SharedArray.fromHandle(handle).length).toBe(3)
  })

  test('words that were damaged are refused, and no view reaches past the end of the memory', () => {
    const own = memory()
    for (const [word, damage] of [
      [1, 10],
      [2, 2 ** 30],
      [2, -1],
      [2, 0],
      [3, 0],
      [4, 0],
    ] as const) {
      const handle = new SharedArray('int8', 3, { memory: own }).toHandle()
      own.words[Number(handle.index) + word] = damage
      for (const length of [3, 2 ** 30, 2 ** 32 - 1, 0])
        expect(outcomeOf(() => SharedArray.fromHandle({ ...handle, length }))).toEqual(badHandle)
    }
  })

  test('no room is an error, and so is a bad value; neither costs the memory anything', () => {
    const own = memory()
    for (const length of [2 ** 18, 2 ** 31, 2 ** 32 - 1])
      expect(outcomeOf(() => new SharedArray('float64', length, { memory: own }))).toEqual(outOfRange)
    // Each of them would take 4 kB of the 256.
    for (let time = 0; time < 200; time++) {
      expect(outcomeOf(() => new SharedArray('c', Array(4_000).fill(256), { memory: own }))).toEqual(outOfRange)
      expect(outcomeOf(() => new SharedArray('c', Array(4_000).fill('x'), { memory: own }))).toEqual(invalid)
    }
    expect(new SharedArray('c', 200_000, { memory: own }).length).toBe(200_000)
  })

  test.each([
    ['left', (closable: Closable) => closable.leave()],
    ['taken away', (closable: Closable) => closable.takeAway()],
  ] as const)('every member throws ERR_CLOSED when the memory was %s', (_, close) => {
    const closable = new Closable(memory())
    const options = { memory: closable.memory }
    const [array, value] = [new SharedArray('i', [1, 2], options), new SharedValue('i', 0, options)]
    close(closable)
    const before = closable.memory.words.slice()
    expectNothing(array, value)
    for (const each of [array, value]) expect(outcomeOf(() => each.dispose())).toEqual(closed)
    expect(outcomeOf(() => new SharedArray('i', 1, options))).toEqual(closed)
    expect(outcomeOf(() => new SharedValue('i', 1, options))).toEqual(closed)
    expect(closable.memory.words).toEqual(before)
  })

  test('what is taken away between any two looks never shows zeros as elements', () => {
    const calls: ((array: SharedArray<'int32'>, value: SharedValue<'int32'>) => unknown)[] = [
      (array) => array.get(0),
      (array) => array.slice(),
      (array) => [...array],
      (_, value) => value.value,
      (_, value) => value.add(1),
      (_, value) => value.compareAndSet(7, 8),
      (_, value) => value.compareAndSet(0, 8),
    ]
    for (const call of calls) {
      const outcomes = Array.from({ length: 9 }, (_, looks) => {
        const closable = new Closable(memory())
        const options = { memory: closable.memory }
        const [array, value] = [new SharedArray('i', [5, 6], options), new SharedValue('i', 7, options)]
        closable.takeAwayAfterLooks(looks)
        return outcomeOf(() => call(array, value))
      })
      const [open] = outcomes
      for (const outcome of outcomes) expect([open, closed]).toContainEqual(outcome)
    }
  })
})

test('a memory that is none is an argument error, and so are bad options', () => {
  for (const memory of [null, {}, 1, new SharedArrayBuffer(1024)] as unknown as ThreadMemory[]) {
    expect(outcomeOf(() => new SharedArray('i', 1, { memory }))).toEqual(invalid)
    expect(outcomeOf(() => new SharedValue('i', 1, { memory }))).toEqual(invalid)
  }
  for (const options of [null, 1, 'memory'] as never[]) {
    expect(outcomeOf(() => new SharedArray('i', 1, options))).toEqual(invalid)
    expect(outcomeOf(() => new SharedValue('i', 1, options))).toEqual(invalid)
  }
})

describe('in a segment', () => {
  test('dispose gives back all that was taken, once', () => {
    using segment = Segment.create({ size: 1 })
    const free = segment.stats()
    for (let time = 0; time < 50; time++) {
      const array = new SharedArray('float64', 1_000, { memory: segment })
      const value = new SharedValue('d', 0.5, { memory: segment })
      expect(segment.stats().areas).toBe(4)
      const others = [SharedArray.fromHandle(array.toHandle()), SharedValue.fromHandle(value.toHandle())]
      for (const each of [array, value, ...others]) each.dispose()
      expect(segment.stats()).toMatchObject({ areas: 0, usedBytes: free.usedBytes })
    }
  })

  test('what had no room for its lock leaves nothing behind', () => {
    using segment = Segment.create({ size: 1 })
    // From all of it down: at some length the elements fit, and the lock does not.
    const { largestFreeBytes } = segment.stats()
    let made: SharedArray | undefined
    let refused = 0
    for (let length = largestFreeBytes; !made; length -= 64) {
      const outcome = outcomeOf(() => (made = new SharedArray('c', length, { memory: segment })))
      if (made) break
      expect(outcome).toEqual(outOfRange)
      expect(segment.stats().areas).toBe(0)
      refused += 1
    }
    expect(refused).toBeGreaterThan(1)
    expect(made.length).toBeGreaterThan(largestFreeBytes - 1_000)
  })

  test('a handle is a few hundred bytes of JSON, however many elements there are', () => {
    using segment = Segment.create({ size: 9 * 1024 * 1024 })
    const array = new SharedArray('float64', 1_000_000, { memory: segment })
    array.set(999_999, 0.5)
    const json = JSON.stringify(array.toHandle())
    expect(json.length).toBeLessThan(1_000)
    const other = SharedArray.fromHandle(JSON.parse(json))
    expect(other.get(999_999)).toBe(0.5)
    expect(other.view.buffer).toBe(array.view.buffer)
  })

  test('after the segment was closed every member throws ERR_CLOSED, and a view that was taken before reads zeros', () => {
    const segment = Segment.create({ size: 1 })
    const array = new SharedArray('i', [1, 2], { memory: segment })
    const value = new SharedValue('i', 7, { memory: segment })
    const { view } = array
    const handle: SharedObjectHandle = array.getLock().toHandle()
    segment.close()
    expectNothing(array, value)
    expect([...view]).toEqual([0, 0])
    expect(outcomeOf(() => Mutex.fromHandle(handle))).toMatchObject({ code: expect.any(String) })
  })
})
