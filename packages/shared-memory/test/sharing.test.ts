import { SharedArray, SharedValue } from '@heddle/shared-memory'
import { describe, expect, test } from '@jest/globals'
import { homes } from './support/homes.js'
import { closedGate, inThread, openGate } from './support/threads.js'

/** Both halves of 64 bits differ, and so do all bytes: a mix of the two is neither. */
const bitsOf = (bits: bigint): number => new Float64Array(BigUint64Array.of(bits).buffer)[0] as number
const flips = [
  { type: 'bigint64', patterns: [0x0123_4567_0123_4567n, -0x7654_3210_7654_3211n] },
  { type: 'biguint64', patterns: [0x0000_0000_ffff_ffffn, 0xffff_ffff_0000_0000n] },
  { type: 'float64', patterns: [bitsOf(0x3ff0_1111_2222_3333n), bitsOf(0x4100_4444_5555_6666n)] },
] as const

/** Reads until both patterns came often. @returns what was read that is neither */
function readWhileFlipping(read: () => number | bigint, patterns: readonly (number | bigint)[]): (number | bigint)[] {
  const [a, b] = patterns
  const mixed: (number | bigint)[] = []
  let changes = 0
  let last: number | bigint | undefined
  for (let i = 0; i < 20_000 || changes < 50; i++) {
    const seen = read()
    if (seen !== a && seen !== b) mixed.push(seen)
    if (seen !== last) changes += 1
    last = seen
    if (mixed.length > 5) break
  }
  return mixed
}

describe('two threads and this one', () => {
  test.each([
    ['int32', 0, 2_000],
    ['uint8', 0, 80],
    ['float64', 0, 2_000],
    ['bigint64', 0n, 2_000],
  ] as const)('add to a %s under its lock and lose nothing', async (type, zero, times) => {
    const value = new SharedValue(type, zero)
    const gate = closedGate()
    const work = { handle: value.toHandle(), times }
    const workers = [inThread('addUnderLock', work, gate), inThread('addUnderLock', work, gate)]
    await openGate(gate, 2)
    // This thread blocks at times and awaits at others: it is one lock.
    for (let i = 0; i < times; i++) {
      const guard = i % 16 === 0 ? await value.getLock().acquire() : value.getLock().acquireSync()
      value.value = typeof value.value === 'bigint' ? value.value + 1n : value.value + 1
      guard.release()
    }
    await Promise.all(workers)
    expect(Number(value.value)).toBe(3 * times)
  })

  test.each([
    ['int32', 1, 10_000],
    ['uint16', 1, 10_000],
    ['float32', 0.5, 10_000],
    ['float64', 0.25, 10_000],
    ['biguint64', 1n, 10_000],
  ] as const)('add to a %s without a lock, lose nothing, and each result is seen once', async (type, amount, times) => {
    const value = new SharedValue(type)
    const gate = closedGate()
    const work = { handle: value.toHandle(), times, amount }
    const workers = [inThread('addAtomically', work, gate), inThread('addAtomically', work, gate)]
    await openGate(gate, 2)
    const own = Array.from({ length: times }, () => value.add(amount))
    const results = [...own, ...((await Promise.all(workers)) as (number | bigint)[][]).flat()]
    expect(Number(value.value)).toBe(3 * times * Number(amount))
    expect(new Set(results).size).toBe(3 * times)
  })

  test.each(homes)('add to a value in $home under its lock and without it, and lose nothing', async ({ memory }) => {
    const options = { memory: memory() }
    const [value, counted] = [new SharedValue('i', 0, options), new SharedValue('d', 0, options)]
    const gate = closedGate()
    const workers = [
      inThread('addUnderLock', { handle: value.toHandle(), times: 1_000 }, gate),
      inThread('addAtomically', { handle: counted.toHandle(), times: 1_000, amount: 0.5 }, gate),
    ]
    await openGate(gate, 2)
    for (let i = 0; i < 1_000; i++) {
      value.getLock().runExclusiveSync(() => {
        value.value += 1
      })
      counted.add(0.25)
    }
    await Promise.all(workers)
    expect([value.value, counted.value]).toEqual([2_000, 750])
  })

  test('leave the highest of their candidates by compareAndSet', async () => {
    const value = new SharedValue('float64', -Infinity)
    const gate = closedGate()
    const candidates = (from: number) => Array.from({ length: 3_000 }, (_, i) => from + i * 3)
    const workers = [1, 2].map((from) =>
      inThread('maximum', { handle: value.toHandle(), candidates: candidates(from) }, gate),
    )
    await openGate(gate, 2)
    await Promise.all(workers)
    expect(value.value).toBe(2 + 2_999 * 3)
  })
})

test.each(flips)('a $type value that another thread flips is read whole', async ({ type, patterns }) => {
  const value = new SharedValue(type, patterns[0])
  const done = new Int32Array(new SharedArrayBuffer(4))
  const gate = closedGate()
  const writer = inThread('flipValue', { handle: value.toHandle(), patterns, done }, gate)
  await openGate(gate, 1)
  const mixed = readWhileFlipping(() => value.value, patterns)
  Atomics.store(done, 0, 1)
  await writer
  expect(mixed).toEqual([])
})

test.each(flips)('a $type element that another thread flips is read whole, its neighbours stay', async (flip) => {
  const { type, patterns } = flip
  const array = new SharedArray(type, [patterns[0], patterns[0], patterns[0]])
  const done = new Int32Array(new SharedArrayBuffer(4))
  const gate = closedGate()
  const writer = inThread('flipElement', { handle: array.toHandle(), patterns, done }, gate)
  await openGate(gate, 1)
  const mixed = readWhileFlipping(() => array.get(1), patterns)
  Atomics.store(done, 0, 1)
  await writer
  expect(mixed).toEqual([])
  expect([array.get(0), array.get(2)]).toEqual([patterns[0], patterns[0]])
})

test('threads that write neighbouring bytes do not disturb each other', async () => {
  const array = new SharedArray('uint8', 3)
  const gate = closedGate()
  const times = 200_050
  const work = (index: number) => ({ handle: array.toHandle(), index, times })
  const workers = [inThread('countElement', work(0), gate), inThread('countElement', work(2), gate)]
  await openGate(gate, 2)
  for (let i = 0; i < times; i++) array.set(1, (array.get(1) + 1) % 200)
  await Promise.all(workers)
  expect([...array]).toEqual([times % 200, times % 200, times % 200])
})

test("the Python document's three workers end at 30 and 9, 19, 29", async () => {
  const array = new SharedArray('i', 10)
  const value = new SharedValue('i', 0)
  const handles = { array: array.toHandle(), value: value.toHandle() }
  await Promise.all([0, 1, 2].map((workerId) => inThread('workerProcess', { workerId, ...handles })))
  expect(value.value).toBe(30)
  expect([...array]).toEqual([9, 19, 29, 0, 0, 0, 0, 0, 0, 0])
})

test('the lock that this thread holds is held for another thread too, and free after the release', async () => {
  for (const shared of [new SharedArray('i', 1), new SharedValue('i', 0)]) {
    const guard = await shared.getLock().acquire()
    expect(await inThread('tryLock', { handle: shared.toHandle() })).toBe(false)
    guard.release()
    expect(await inThread('tryLock', { handle: shared.toHandle() })).toBe(true)
  }
})

test('what a thread writes through its view is in the view of another', async () => {
  const array = new SharedArray('float32', [1, 2, 3])
  expect(await inThread('writeThroughView', { handle: array.toHandle(), index: 2, value: 0.5 })).toEqual([1, 2, 0.5])
  expect([...array.view]).toEqual([1, 2, 0.5])
})
