import { Segment } from '@heddle/shared-memory'
import { ThreadSafeCounter } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { badHandle, outcomeOf } from './support/outcome.js'

const lineBytes = 64

interface Area {
  readonly index: number
  readonly words: number
  readonly mark: number
}

/** What this user of the heap believes, kept in a Map, beside the heap itself. */
class Twin {
  readonly areas: Area[] = []
  readonly #segment: Segment
  #marks = 0

  constructor(segment: Segment) {
    this.#segment = segment
  }

  allocate(words: number): boolean {
    const index = this.#segment.allocate(words)
    if (index < 0) return false
    const mine = this.#segment.words.subarray(index, index + words)
    if (mine.some((word) => word !== 0)) throw new Error('the words are not zero')
    this.#marks += 1
    mine.fill(this.#marks)
    this.areas.push({ index, words, mark: this.#marks })
    return true
  }

  free(which: number): void {
    const [area] = this.areas.splice(which % this.areas.length, 1)
    if (!area) return
    const { index, words, mark } = area
    if (this.#segment.words.subarray(index, index + words).some((word) => word !== mark))
      throw new Error('somebody else has written to the area')
    if (!this.#segment.free(index)) throw new Error('the area was not freed')
  }

  get usedBytes(): number {
    return this.areas.reduce((sum, { words }) => sum + (Math.ceil(words / 16) + 1) * lineBytes, 0)
  }
}

test('SM10: 5,000 random allocations and frees do not overlap, are counted exactly, and leave one free area', () => {
  using segment = Segment.create({ size: 1 << 18 })
  const all = segment.stats().freeBytes
  const twin = new Twin(segment)
  let seed = 20_261_123
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    return (seed >>> 8) % below
  }
  let refused = 0
  const wrong: number[] = []
  for (let n = 0; n < 5_000; n++) {
    if (random(100) < 55) {
      if (!twin.allocate(1 + random(random(10) === 0 ? 2_000 : 60))) refused += 1
    } else if (twin.areas.length > 0) twin.free(random(twin.areas.length))
    const { areas, usedBytes, freeBytes } = segment.stats()
    const counted = areas === twin.areas.length && usedBytes === twin.usedBytes && freeBytes === all - twin.usedBytes
    if (!counted) wrong.push(n)
  }
  expect(wrong).toEqual([])
  expect(refused).toBeGreaterThan(0)
  while (twin.areas.length > 0) twin.free(0)
  expect(segment.stats()).toMatchObject({ areas: 0, usedBytes: 0, freeBytes: all })
  // All of it at once: so the neighbours have become one.
  expect(segment.allocate(all / 4 - 16)).toBeGreaterThan(0)
})

test('whatever the order of calls, areas are disjoint and the accounts are exact', () => {
  const step = fc.oneof(fc.record({ allocate: fc.integer({ min: 1, max: 3_000 }) }), fc.record({ free: fc.nat() }))
  using segment = Segment.create({ size: 1 << 16 })
  const all = segment.stats().freeBytes
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const twin = new Twin(segment)
      for (const each of steps) {
        if ('allocate' in each) twin.allocate(each.allocate)
        else if (twin.areas.length > 0) twin.free(each.free)
      }
      expect(segment.stats()).toMatchObject({ areas: twin.areas.length, usedBytes: twin.usedBytes })
      while (twin.areas.length > 0) twin.free(0)
      expect(segment.stats().freeBytes).toBe(all)
    }),
    { numRuns: 200 },
  )
})

test('no room is -1 for the heap, an error for an object, and nothing changes', () => {
  using segment = Segment.create({ size: 1 })
  const { freeBytes } = segment.stats()
  expect(segment.allocate(freeBytes)).toBe(-1)
  while (segment.allocate(1) >= 0) segment.stats()
  expect(outcomeOf(() => new ThreadSafeCounter(0, { memory: segment }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
})

test('a handle of an object that was freed is refused, also when another one has its place', () => {
  using segment = Segment.create({ size: 1 })
  const handle = new ThreadSafeCounter(1, { memory: segment }).toHandle()
  expect(segment.free(handle.index)).toBe(true)
  expect(outcomeOf(() => ThreadSafeCounter.fromHandle(handle))).toEqual(badHandle)
  let later = new ThreadSafeCounter(2, { memory: segment }).toHandle()
  // The search goes on behind the last area, until it comes round.
  while (later.index !== handle.index) later = new ThreadSafeCounter(2, { memory: segment }).toHandle()
  expect(outcomeOf(() => ThreadSafeCounter.fromHandle(handle))).toEqual(badHandle)
  expect(ThreadSafeCounter.fromHandle(later).getValue()).toBe(2)
})

test('freeing twice, or what is no area, is false and frees nothing', () => {
  using segment = Segment.create({ size: 1 })
  const [first, second] = [segment.allocate(40), segment.allocate(40)]
  expect(segment.free(first)).toBe(true)
  expect(segment.free(first)).toBe(false)
  for (const index of [-1, 0, 0.5, Number.NaN, first + 1, second + 16, segment.words.length, 2 ** 40])
    expect(segment.free(index)).toBe(false)
  expect(segment.stats().areas).toBe(1)
})
