import { Segment, SharedDict } from '@heddle/shared-memory'
import { Mutex, ThreadSafeCounter } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import { badHandle, invalid, outcomeOf } from './support/outcome.js'
import { own } from './support/own.js'
import { ParticipantProcess } from './support/participant.js'

test('of many who ask for a name at once, in several processes, one makes the object, and all get that one', async () => {
  using segment = Segment.create({ name: own('asked-at-once'), size: 1 << 18 })
  const processes = Array.from({ length: 3 }, () => new ParticipantProcess())
  try {
    await Promise.all(processes.map((each) => each.do('open', { name: segment.name })))
    for (let round = 0; round < 20; round++) {
      const object = `counter ${round}`
      const answers = await Promise.all(
        processes.map((each) =>
          each.do<{ made: boolean; value: number }>('get or create', { name: segment.name, object }),
        ),
      )
      expect(answers.filter(({ made }) => made)).toHaveLength(1)
      expect(answers.map(({ value }) => value).sort((one, other) => one - other)).toEqual([1, 2, 3])
      expect(segment.get<ThreadSafeCounter>(object)?.getValue()).toBe(3)
    }
    expect(segment.names()).toHaveLength(20)
  } finally {
    await Promise.all(processes.map((each) => each.kill()))
  }
})

test('an object is found by its name as what it is', () => {
  using segment = Segment.create({ size: 1 << 18 })
  const mutex = segment.getOrCreate('lock', () => new Mutex({ memory: segment }))
  const guard = mutex.acquireSync()
  expect(segment.get<Mutex>('lock')?.getState().held).toBe(true)
  guard.release()
  expect(segment.get('other')).toBeUndefined()
  expect(segment.names()).toEqual(['lock'])
  expect([segment.delete('lock'), segment.delete('lock')]).toEqual([true, false])
  expect(segment.get('lock')).toBeUndefined()
  expect(mutex.getState().held).toBe(false)
})

test('create must make a shared object in this segment; what it throws comes out, and the name stays free', () => {
  using segment = Segment.create({ size: 1 << 18 })
  using other = Segment.create({ size: 1 << 18 })
  for (const create of [
    () => new Mutex(),
    () => new Mutex({ memory: other }),
    () => undefined,
    () => ({ toHandle: 1 }),
  ])
    expect(outcomeOf(() => segment.getOrCreate('x', create as never))).toEqual(invalid)
  expect(outcomeOf(() => segment.getOrCreate('x', undefined as never))).toEqual(invalid)
  expect(outcomeOf(() => segment.getOrCreate(1 as never, () => new Mutex({ memory: segment })))).toEqual(invalid)
  const thrown = new Error('not today')
  expect(
    outcomeOf(() =>
      segment.getOrCreate('x', () => {
        throw thrown
      }),
    ),
  ).toBe(thrown)
  expect(segment.names()).toEqual([])
})

test('a freed object is refused by handle and by name, and its memory is given to others', () => {
  using segment = Segment.create({ size: 1 << 18 })
  const named = segment.getOrCreate('named', () => new ThreadSafeCounter(1, { memory: segment }))
  const dict = new SharedDict({ memory: segment })
  const { usedBytes, areas } = segment.stats()
  for (let n = 0; n < 500; n++) dict.set(n, 'x'.repeat(100))
  expect(segment.dispose(dict)).toBe(true)
  expect(segment.dispose(named)).toBe(true)
  expect(segment.dispose(named)).toBe(false)
  expect(segment.stats().areas).toBeLessThan(areas)
  expect(segment.stats().usedBytes).toBeLessThan(usedBytes)
  expect(outcomeOf(() => segment.get('named'))).toEqual(badHandle)
  expect(outcomeOf(() => ThreadSafeCounter.fromHandle(named.toHandle()))).toEqual(badHandle)
  for (const object of [undefined, null, {}, new Mutex(), segment])
    expect(outcomeOf(() => segment.dispose(object as never))).toEqual(invalid)
})
