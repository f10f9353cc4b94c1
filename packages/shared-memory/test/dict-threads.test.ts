import { SharedDict } from '@heddle/shared-memory'
import { ThreadMemory } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { letOut, newDoor, startOnDict, untilInside } from './support/dict-threads.js'
import { outcomeOf } from './support/outcome.js'
import { closedGate, openGate } from './support/threads.js'

describe.each([2, 4])('%i threads', (threads) => {
  test('lose no update of the same keys', async () => {
    const dict = new SharedDict<number>()
    const keys = ['a', 'b', 'c', 1]
    const times = 1200
    const gate = closedGate()
    const running = Array.from({ length: threads }, () => startOnDict('count', dict, { keys, times }, gate).result)
    await openGate(gate, threads)
    await Promise.all(running)
    expect([...dict.values()]).toEqual(keys.map(() => (threads * times) / keys.length))
  })

  test('SM13: that set and delete fresh keys of changing size for ever stay within the memory', async () => {
    const dict = new SharedDict({ memory: ThreadMemory.create({ bytes: 64 * 1024 }) })
    const gate = closedGate()
    const running = Array.from(
      { length: threads },
      (_, name) => startOnDict('fresh', dict, { name, times: 1500 }, gate).result,
    )
    await openGate(gate, threads)
    await Promise.all(running)
    expect([...dict]).toEqual([])
  })

  test('SM12: write, and whoever reads or iterates meanwhile sees whole values, each key once, and none missing', async () => {
    const count = 40
    const dict = new SharedDict<number | number[]>()
    for (let key = 0; key < count; key++) dict.set(key, 0)
    const done = new Int32Array(new SharedArrayBuffer(4))
    const gate = closedGate()
    const running = Array.from({ length: threads }, () => startOnDict('multiples', dict, { count, done }, gate).result)
    await openGate(gate, threads)
    const torn: unknown[] = []
    const look = (key: number, value: number | number[] | undefined) => {
      const numbers = Array.isArray(value) ? value : [value ?? Number.NaN]
      const isWhole = Array.isArray(value)
        ? numbers.every((number) => number === key * numbers.length)
        : (value ?? -1) % (key || 1) === 0
      if (!isWhole) torn.push([key, value])
    }
    for (let round = 0; round < 50; round++) {
      const keys: unknown[] = []
      for (const [key, value] of dict) {
        keys.push(key)
        look(key as number, value)
      }
      expect(keys).toEqual(Array.from({ length: count }, (_, key) => key))
      for (let key = 0; key < count; key++) look(key, dict.get(key))
      expect(dict.size).toBe(count)
    }
    Atomics.store(done, 0, 1)
    await Promise.all(running)
    expect(torn).toEqual([])
  })
})

test('update makes another thread that writes the entry wait, while readers get the old value and other keys are free', async () => {
  const dict = new SharedDict<unknown>()
  dict.set('key', 'old')
  const door = newDoor()
  const first = startOnDict('update', dict, { key: 'key', value: 'new', inside: door })
  await untilInside(door)
  expect(dict.get('key')).toBe('old')
  dict.set('other', 1)
  expect(outcomeOf(() => dict.update('key', () => 'never', { timeout: 0 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
  const began = performance.now()
  expect(outcomeOf(() => dict.update('key', () => 'never', { timeout: 30 }))).toMatchObject({
    name: 'TimeoutError',
    code: 'ERR_TIMEOUT',
  })
  expect(performance.now() - began).toBeGreaterThanOrEqual(30)
  const second = newDoor()
  const waiting = startOnDict('update', dict, { key: 'key', value: 'newer', inside: second })
  letOut(door)
  expect(await first.result).toEqual(['old', 'new'])
  await untilInside(second)
  expect(dict.get('key')).toEqual(['old', 'new'])
  letOut(second)
  expect(await waiting.result).toEqual([['old', 'new'], 'newer'])
  expect(dict.get('key')).toEqual([['old', 'new'], 'newer'])
})

test.each(['there', 'new'])(
  'clear waits for an update of a key that is %s, and deletes what that has set',
  async (key) => {
    const dict = new SharedDict<unknown>()
    dict.set('there', 0)
    const door = newDoor()
    const { result } = startOnDict('linger', dict, { key, inside: door })
    await untilInside(door)
    dict.clear()
    expect(Atomics.load(door, 1)).toBe(1)
    expect([...dict]).toEqual([])
    await result
  },
)

test.each(['there', 'new'])(
  'a thread that is terminated inside an update of a key that is %s leaves the entry as it was',
  async (key) => {
    const dict = new SharedDict<unknown>()
    dict.set('there', 1)
    const door = newDoor()
    const { worker } = startOnDict('stay', dict, { key, inside: door })
    await untilInside(door)
    await worker.terminate()
    const before = key === 'there' ? 1 : undefined
    expect(dict.get(key)).toBe(before)
    expect(dict.update(key, (value) => [value])).toEqual([before])
    expect(dict.get(key)).toEqual([before])
  },
)

test('what one thread has set, another gets', async () => {
  const dict = new SharedDict<unknown>()
  dict.set('key', { list: [1, new Map([['a', undefined]])] })
  expect(await startOnDict('get', dict, { key: 'key' }).result).toEqual({ list: [1, new Map([['a', undefined]])] })
})
