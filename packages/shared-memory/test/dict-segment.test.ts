import { Segment, SharedDict } from '@heddle/shared-memory'
import { ThreadSafeCounter } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import { auditDict } from './support/audit-dict.js'
import { ended, said, startProcess } from './support/dict-processes.js'
import { outcomeOf } from './support/outcome.js'

test('a dict in a segment holds what a Map holds, and its handle goes as JSON', () => {
  using segment = Segment.create({ size: 2 ** 20 })
  const dict = new SharedDict<unknown>({ memory: segment })
  const map = new Map<string | number, unknown>()
  for (let n = 0; n < 500; n++) {
    const key = n % 2 ? (n * 7) % 100 : `key ${(n * 7) % 100}`
    const value = n % 3 ? n : { list: Array(n % 40).fill(n) }
    dict.set(key, value)
    map.set(key, value)
    expect(dict.delete(`key ${n * 7}`)).toBe(map.delete(`key ${n * 7}`))
  }
  const other = SharedDict.fromHandle(JSON.parse(JSON.stringify(dict.toHandle())))
  expect([...other]).toEqual([...map])
})

test('a shared object of the segment goes in as itself and comes out as itself', () => {
  using segment = Segment.create({ size: 2 ** 20 })
  const dict = new SharedDict<{ counter: ThreadSafeCounter }>({ memory: segment })
  const counter = new ThreadSafeCounter(1, { memory: segment })
  dict.set('a', { counter })
  dict.get('a')?.counter.increment()
  expect(counter.getValue()).toBe(2)
})

test('dispose gives back all that the dict has taken, and the segment’s close ends it too', () => {
  const segment = Segment.create({ size: 2 ** 22 })
  new SharedDict({ memory: segment }).dispose()
  const { usedBytes } = segment.stats()
  for (let round = 0; round < 5; round++) {
    const dict = new SharedDict<string>({ memory: segment, initialCapacity: 100 })
    for (let n = 0; n < 300; n++) dict.set(n, 'v'.repeat(n))
    expect(segment.stats().usedBytes).toBeGreaterThan(usedBytes)
    dict.dispose()
    expect(segment.stats().usedBytes).toBe(usedBytes)
  }
  expect(outcomeOf(() => new SharedDict({ memory: segment, initialCapacity: 10_000_000 }))).toMatchObject({
    code: 'ERR_OUT_OF_RANGE',
  })
  expect(segment.stats().usedBytes).toBe(usedBytes)
  const last = new SharedDict({ memory: segment })
  segment.close()
  for (const call of [() => last.get('a'), () => last.set('a', 1), () => last.size, () => last.dispose()])
    expect(outcomeOf(call)).toMatchObject({ code: 'ERR_CLOSED' })
})

test('two processes lose no update of one key', async () => {
  using segment = Segment.create({ size: 2 ** 20 })
  const dict = new SharedDict<number>({ memory: segment })
  const data = { key: 'n', times: 3000 }
  const children = [startProcess('count', dict, data), startProcess('count', dict, data)]
  expect(await Promise.all(children.map(ended))).toEqual([0, 0])
  expect(dict.get('n')).toBe(6000)
})

test('a process that is killed inside an update leaves the entry as it was, and the next one goes on', async () => {
  using segment = Segment.create({ size: 2 ** 20 })
  const dict = new SharedDict<unknown>({ memory: segment })
  dict.set('there', 1)
  for (const [key, before] of [
    ['there', 1],
    ['new', undefined],
  ] as const) {
    const child = startProcess('stay', dict, { key })
    expect(await said(child)).toBe('inside')
    expect(outcomeOf(() => dict.update(key, () => 2, { timeout: 0 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    child.kill('SIGKILL')
    await ended(child)
    expect(dict.get(key)).toBe(before)
    expect(dict.update(key, (value) => [value])).toEqual([before])
  }
})

test('SM12: processes that are killed while they write leave whole entries, and every block accounted for', async () => {
  using segment = Segment.create({ size: 2 ** 20 })
  const dict = new SharedDict<number | number[]>({ memory: segment })
  const keys = 60
  for (let round = 0; round < 5; round++) {
    const child = startProcess('write', dict, { keys })
    expect(await said(child)).toBe('writing')
    for (let looks = 0; looks < 8 * (round + 1); looks++)
      for (const [key, value] of dict)
        expect([value].flat().every((number) => Number.isInteger(number / ((key as number) || 1)))).toBe(true)
    child.kill('SIGKILL')
    await ended(child)
    const left = new Map(dict)
    for (const [key, value] of left) expect(dict.get(key)).toEqual(value)
    expect(auditDict(segment.words, dict.toHandle().index).live).toBe(left.size)
  }
})
