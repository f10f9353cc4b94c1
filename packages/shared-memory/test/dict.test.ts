import { type DictKey, SharedDict } from '@heddle/shared-memory'
import { type Memory, ThreadMemory } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { badHandle, invalid, outcomeOf, outOfRange } from './support/outcome.js'

const ofAlready = expect.objectContaining({ name: 'LockStateError', code: 'ERR_ALREADY_OWNED' })
const ofClosed = expect.objectContaining({ name: 'ClosedError', code: 'ERR_CLOSED' })

function dictOf<Value>(entries: Iterable<readonly [DictKey, Value]>): SharedDict<Value> {
  const dict = new SharedDict<Value>()
  for (const [key, value] of entries) dict.set(key, value)
  return dict
}

describe('keys and values', () => {
  test('a key is what it is in a Map: 1 is not "1", NaN is NaN, -0 is 0', () => {
    const dict = dictOf<string>([
      [1, 'number'],
      ['1', 'string'],
      [Number.NaN, 'NaN'],
      [-0, 'zero'],
    ])
    expect([dict.get(1), dict.get('1'), dict.get(Number.NaN), dict.get(0), dict.get(-0)]).toEqual([
      'number',
      'string',
      'NaN',
      'zero',
      'zero',
    ])
    expect([...dict.keys()]).toEqual([1, '1', Number.NaN, 0])
  })

  test('an undefined value is there, and a key that is not there has none', () => {
    const dict = dictOf([['a', undefined]])
    expect([dict.has('a'), dict.get('a'), dict.has('b'), dict.get('b'), dict.size]).toEqual([
      true,
      undefined,
      false,
      undefined,
      1,
    ])
  })

  test('a value arrives as a structured clone makes it, and each time anew', () => {
    const date = new Date(0)
    const self: Record<string, unknown> = {
      date,
      map: new Map([[1, new Set([2])]]),
      bytes: Uint8Array.of(1, 2),
      big: 7n,
    }
    self.self = self
    const dict = dictOf([['value', self]])
    const found = dict.get('value') as typeof self
    expect(found).toEqual(structuredClone(self))
    expect(found.self).toBe(found)
    expect(dict.get('value')).not.toBe(found)
  })

  test('set is for chains, delete says whether there was something', () => {
    const dict = new SharedDict<number>()
    expect(dict.set('a', 1).set('b', 2)).toBe(dict)
    expect([dict.delete('a'), dict.delete('a'), dict.size]).toEqual([true, false, 1])
  })

  test.each([[undefined], [null], [{}], [1n], [true], [Symbol('x')], [['a']]])('%p is no key', (key) => {
    const dict = dictOf([['a', 1]])
    const calls = [
      () => dict.get(key as never),
      () => dict.has(key as never),
      () => dict.set(key as never, 2),
      () => dict.delete(key as never),
      () => dict.update(key as never, () => 2),
    ]
    for (const call of calls) expect(outcomeOf(call)).toEqual(invalid)
    expect([...dict]).toEqual([['a', 1]])
  })

  test('a value that cannot be shared is refused, and what was there stays', () => {
    const dict = dictOf<unknown>([['a', 1]])
    const own = new Error('of a getter')
    const getter = Object.defineProperty({}, 'x', {
      enumerable: true,
      get() {
        throw own
      },
    })
    expect(outcomeOf(() => dict.set('a', () => 0))).toMatchObject({ code: 'ERR_NOT_CLONEABLE' })
    expect(outcomeOf(() => dict.set('a', new SharedArrayBuffer(8)))).toMatchObject({ code: 'ERR_NOT_CLONEABLE' })
    expect(outcomeOf(() => dict.set('a', getter))).toBe(own)
    expect([...dict]).toEqual([['a', 1]])
  })

  test('a getter of a value may use the dict that it is set in', () => {
    const dict = new SharedDict<unknown>()
    const value = Object.defineProperty({ last: 'x'.repeat(50) }, 'first', {
      enumerable: true,
      get: () => dict.set('inner', 'i'.repeat(500)).get('inner'),
    })
    dict.set('outer', value)
    expect(dict.get('outer')).toEqual({ first: 'i'.repeat(500), last: 'x'.repeat(50) })
    expect(dict.get('inner')).toBe('i'.repeat(500))
  })

  test('a value of some megabytes goes in and comes out', () => {
    const dict = dictOf([['large', new Uint8Array(4_000_000).fill(7)]])
    dict.set('small', Uint8Array.of(1))
    expect(dict.get('large')?.every((byte) => byte === 7)).toBe(true)
    expect(dict.get('large')).toHaveLength(4_000_000)
    dict.set('large', Uint8Array.of(2))
    expect(dict.get('large')).toEqual(Uint8Array.of(2))
  })

  test('what does not fit is refused, and what was there stays', () => {
    const dict = dictOf([['a', 'old']])
    expect(outcomeOf(() => dict.set('a', 'x'.repeat(2 ** 25)))).toEqual(outOfRange)
    expect(outcomeOf(() => dict.set('b', 'x'.repeat(2 ** 25)))).toEqual(outOfRange)
    expect(outcomeOf(() => dict.update('a', () => 'x'.repeat(2 ** 25)))).toEqual(outOfRange)
    expect(outcomeOf(() => dict.update('b', () => 'x'.repeat(2 ** 25)))).toEqual(outOfRange)
    expect([...dict]).toEqual([['a', 'old']])
    dict.update('a', (value) => `${value}er`)
    expect(dict.get('a')).toBe('older')
  })
})

describe('update', () => {
  test('gives fn the value that is there, runs it once, and returns what it made', () => {
    const dict = dictOf([['a', 1]])
    const seen: unknown[] = []
    const made = dict.update('a', (value) => {
      seen.push(value)
      return 2
    })
    expect([made, dict.get('a'), seen]).toEqual([2, 2, [1]])
    expect(dict.update('new', (value) => (value === undefined ? 5 : 6))).toBe(5)
    expect([...dict]).toEqual([
      ['a', 2],
      ['new', 5],
    ])
  })

  test('lets out what fn throws, and leaves the entry as it was', () => {
    const dict = dictOf([['a', 1]])
    const own = new Error('own')
    const fail = () => {
      throw own
    }
    expect(outcomeOf(() => dict.update('a', fail))).toBe(own)
    expect(outcomeOf(() => dict.update('new', fail))).toBe(own)
    expect([...dict]).toEqual([['a', 1]])
    expect(dict.update('new', () => 3)).toBe(3)
    expect(dict.update('a', () => 4)).toBe(4)
  })

  test('refuses a promise and what cannot be shared, and leaves the entry as it was', () => {
    const dict = dictOf<unknown>([['a', 1]])
    expect(outcomeOf(() => dict.update('a', () => Promise.reject(new Error('nobody looks'))))).toEqual(invalid)
    expect(outcomeOf(() => dict.update('a', () => () => 0))).toMatchObject({ code: 'ERR_NOT_CLONEABLE' })
    expect([...dict]).toEqual([['a', 1]])
    expect(dict.update('a', () => 2)).toBe(2)
  })

  test('refuses a bad function, key or timeout before it does anything', () => {
    const dict = dictOf([['a', 1]])
    let calls = 0
    const fn = () => ++calls
    expect(outcomeOf(() => dict.update('a', 1 as never))).toEqual(invalid)
    expect(outcomeOf(() => dict.update('a', fn, { timeout: '1' as never }))).toEqual(invalid)
    expect(outcomeOf(() => dict.update('a', fn, { timeout: -1 }))).toEqual(outOfRange)
    expect(outcomeOf(() => dict.update('a', fn, { timeout: Number.NaN }))).toEqual(outOfRange)
    expect([calls, dict.get('a')]).toEqual([0, 1])
  })

  test('within fn the dict can be used, but not what would have to wait for this update', () => {
    const dict = dictOf<unknown>([
      ['a', 1],
      ['b', 2],
    ])
    const outcomes: unknown[] = []
    dict.update('a', (value) => {
      outcomes.push(
        dict.get('a'),
        dict.update('b', () => 'inner'),
      )
      for (const call of [
        () => dict.update('a', () => 0),
        () => dict.set('a', 0),
        () => dict.delete('a'),
        () => dict.clear(),
      ])
        outcomes.push(outcomeOf(call))
      dict.set('c', 3)
      dict.delete('b')
      return [value, 'outer']
    })
    expect(outcomes).toEqual([1, 'inner', ofAlready, ofAlready, ofAlready, ofAlready])
    expect([...dict]).toEqual([
      ['a', [1, 'outer']],
      ['c', 3],
    ])
  })

  test('makes any number of entries, and loses none of the others', () => {
    const dict = new SharedDict<number>()
    for (let n = 0; n < 3000; n++) dict.update(`k${n}`, () => n)
    expect([...dict.values()]).toEqual(Array.from({ length: 3000 }, (_, n) => n))
    for (let n = 0; n < 3000; n++) expect(dict.get(`k${n}`)).toBe(n)
  })

  test('of a new key shows nothing of it before fn has returned', () => {
    const dict = new SharedDict<number>()
    dict.update('new', () => {
      expect([dict.has('new'), dict.get('new'), dict.size, [...dict], dict.delete('other')]).toEqual([
        false,
        undefined,
        0,
        [],
        false,
      ])
      return 1
    })
    expect([...dict]).toEqual([['new', 1]])
  })
})

describe('iteration', () => {
  const letters = 'abcdefghij'.split('').map((letter, at) => [letter, at] as const)

  test('goes in the order in which keys were set first, whatever was overwritten, and as a Map does', () => {
    const dict = dictOf<number | string>(letters)
    dict.set('c', 'a longer value than before').delete('a')
    dict.set('a', 0)
    const expected = new Map<DictKey, number | string>(letters)
    expected.set('c', 'a longer value than before').delete('a')
    expected.set('a', 0)
    expect([...dict]).toEqual([...expected])
    expect([...dict.entries()]).toEqual([...expected])
    expect([...dict.keys()]).toEqual([...expected.keys()])
    expect([...dict.values()]).toEqual([...expected.values()])
    const called: unknown[] = []
    dict.forEach((...args) => {
      called.push(args)
    })
    expect(called).toEqual([...expected].map(([key, value]) => [value, key, dict]))
  })

  test('gives the keys that were there at the call, without those deleted since, with their values of the moment', () => {
    const dict = dictOf<number | string>(letters)
    const entries = dict.entries()
    expect(entries.next().value).toEqual(['a', 0])
    dict.delete('b')
    dict.set('d', 'x'.repeat(1000))
    dict.set('new', 1)
    dict.delete('e')
    dict.set('e', 'is another one now')
    expect([...entries]).toEqual([['c', 2], ['d', 'x'.repeat(1000)], ...letters.slice(5)])
  })

  test('SM17: ends when everything is deleted on the way, one by one or at once', () => {
    const dict = dictOf<number>(letters)
    const seen: unknown[] = []
    for (const key of dict.keys()) {
      seen.push(key)
      dict.delete(key)
    }
    expect([seen, dict.size]).toEqual([letters.map(([key]) => key), 0])
    const other = dictOf<number>(letters)
    const rest = other.keys()
    rest.next()
    other.clear()
    expect([...rest]).toEqual([])
  })
})

describe('clear', () => {
  test('deletes all, as often as one likes, and the dict goes on', () => {
    const dict = new SharedDict<number>()
    for (let round = 0; round < 20; round++) {
      for (let n = 0; n < 30; n++) dict.set(`k${n}`, n)
      expect(dict.size).toBe(30)
      dict.clear()
      expect([dict.size, dict.get('k1'), [...dict]]).toEqual([0, undefined, []])
    }
    dict.set('a', 1)
    expect([...dict]).toEqual([['a', 1]])
  })
})

describe('making and opening', () => {
  test('a handle is plain data, and what it opens is the same dict', () => {
    const dict = dictOf([['a', 1]])
    const handle = dict.toHandle()
    expect(handle).toMatchObject({ kind: 'shared-memory/SharedDict', version: 1 })
    const other = SharedDict.fromHandle<number>(structuredClone(handle))
    other.set('a', 2)
    expect(dict.get('a')).toBe(2)
    const kinds = (globalThis as unknown as Record<symbol, Map<string, { fromHandle: (handle: unknown) => unknown }>>)[
      Symbol.for('heddle.kinds')
    ]
    expect(Array.from(kinds?.get('shared-memory/SharedDict')?.fromHandle(handle) as SharedDict)).toEqual([['a', 2]])
  })

  test('several dicts in one memory do not know each other', () => {
    const memory = ThreadMemory.create()
    const dicts = Array.from({ length: 5 }, () => new SharedDict<number>({ memory }))
    for (const [at, dict] of dicts.entries()) for (let n = 0; n < 100; n++) dict.set(n, n * at)
    for (const [at, dict] of dicts.entries())
      expect([...dict.values()]).toEqual(Array.from({ length: 100 }, (_, n) => n * at))
  })

  test('a handle of something else is refused', () => {
    const handle = new SharedDict().toHandle()
    const damages = [
      undefined,
      null,
      1,
      {},
      { ...handle, version: 2 },
      { ...handle, index: 8 },
      { ...handle, kind: 'x' },
    ]
    for (const damaged of damages) expect(outcomeOf(() => SharedDict.fromHandle(damaged as never))).toEqual(badHandle)
  })

  test('bad options are refused', () => {
    const make = (options: unknown) => outcomeOf(() => new SharedDict(options as never))
    for (const options of [1, null, { memory: {} }, { bytes: '1' }, { initialCapacity: '1' }])
      expect(make(options)).toEqual(invalid)
    expect(make({ memory: ThreadMemory.create(), bytes: 65_536 })).toEqual(invalid)
    for (const options of [{ bytes: 0 }, { bytes: 4.5 }, { initialCapacity: -1 }, { initialCapacity: 0.5 }])
      expect(make(options)).toEqual(outOfRange)
    expect(make({ bytes: 65_536, initialCapacity: 1_000_000 })).toEqual(outOfRange)
  })

  test('room that was asked for is there at once', () => {
    const dict = new SharedDict<number>({ bytes: 128 * 1024, initialCapacity: 1000 })
    for (let n = 0; n < 1000; n++) dict.set(n, n)
    expect(dict.size).toBe(1000)
  })
})

describe('after dispose', () => {
  test('each use throws, by whichever object, and the handle is refused', () => {
    const dict = dictOf([
      ['a', 1],
      ['b', 2],
    ])
    const handle = dict.toHandle()
    const other = SharedDict.fromHandle<number>(handle)
    const keys = other.keys()
    dict.dispose()
    for (const each of [dict, other])
      for (const call of [
        () => each.get('a'),
        () => each.has('a'),
        () => each.size,
        () => each.set('a', 1),
        () => each.delete('a'),
        () => each.update('a', () => 1),
        () => each.clear(),
        () => each.keys(),
        () => each.values(),
        () => each.entries(),
        () => each[Symbol.iterator](),
        () => each.forEach(() => {}),
        () => each.dispose(),
      ])
        expect(outcomeOf(call)).toEqual(ofClosed)
    expect(outcomeOf(() => keys.next())).toEqual(ofClosed)
    expect(outcomeOf(() => SharedDict.fromHandle(handle))).toEqual(badHandle)
  })

  test('within an update: that throws, and nothing else happens', () => {
    const dict = dictOf([['a', 1]])
    expect(
      outcomeOf(() =>
        dict.update('a', () => {
          dict.dispose()
          return 2
        }),
      ),
    ).toEqual(ofClosed)
  })
})

test('after its memory was closed each use throws, and says so', () => {
  const memory = ThreadMemory.create()
  const closable: { -readonly [Name in keyof Memory]: Memory[Name] } = Object.create(memory, {
    isClosed: { value: false, writable: true },
    allocate: { value: (count: number) => memory.allocate(count) },
  })
  const dict = new SharedDict<number>({ memory: closable })
  dict.set('a', 1)
  memory.words.fill(0)
  closable.isClosed = true
  for (const call of [() => dict.get('a'), () => dict.set('a', 1), () => dict.size, () => dict.dispose()])
    expect(outcomeOf(call)).toMatchObject({ code: 'ERR_CLOSED', message: expect.stringContaining('closed') })
})

test('a full dict refuses what has no room without looking at all of its entries each time', () => {
  const dict = new SharedDict<number>({ memory: ThreadMemory.create({ bytes: 1 << 22 }) })
  let kept = 0
  const add = (name: string): unknown => outcomeOf(() => dict.set(`${name} ${kept}`, kept))
  const millisecondsOf = (work: () => void): number => {
    const begun = performance.now()
    work()
    return performance.now() - begun
  }
  for (let outcome = add('first'); 'returned' in (outcome as object); outcome = add('first')) kept++
  expect(dict.size).toBeGreaterThan(10_000)
  const outcomes: unknown[] = []
  const counting = millisecondsOf(() => {
    for (const _ of dict.keys());
  })
  const refusing = millisecondsOf(() => {
    for (let time = 0; time < 300; time++) outcomes.push(add('next'))
  })
  expect(new Set(outcomes.map((outcome) => (outcome as { code?: unknown }).code))).toEqual(
    new Set(['ERR_OUT_OF_RANGE']),
  )
  expect(dict.size).toBe(kept)
  expect(refusing).toBeLessThan(counting)
})
