import { type Cluster, ClusterDict, ClusterLock, type LocalServer } from '@heddle/cluster-pool'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { connect, engines, startServer } from './support/servers.js'
import { storedEntries } from './support/stored.js'
import { rejectionOf, until } from './support/until.js'

describe.each(engines)('a dict on %s', (engine) => {
  let server: LocalServer
  let cluster: Cluster
  let other: Cluster

  beforeAll(async () => {
    server = await startServer(engine)
  }, 60_000)
  afterAll(() => server.stop())
  beforeEach(async () => {
    cluster = await connect(server)
    other = await connect(server, { prefix: cluster.prefix })
  })
  afterEach(async () => {
    await cluster.close()
    await other.close()
  })

  const all = async <Item>(items: AsyncIterable<Item>): Promise<Item[]> => {
    const list: Item[] = []
    for await (const item of items) list.push(item)
    return list
  }

  test('values of all kinds arrive whole at another connection', async () => {
    const dict = new ClusterDict(cluster, 'values')
    const there = new ClusterDict(other, 'values')
    const values = [
      0,
      -0,
      42,
      -7,
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
      2 ** 53,
      0.5,
      Number.NaN,
      Number.NEGATIVE_INFINITY,
      '',
      'n7',
      'text \u{1F9F5} \0 end',
      true,
      null,
      undefined,
      12345678901234567890n,
      [1, [2, { three: 3 }]],
      new Map([['a', new Set([1])]]),
      new Date(5),
      Buffer.from([0, 255, 10, 13]),
      new Float64Array([1.5, -0]),
    ]
    for (const [index, value] of values.entries()) await dict.set(`key ${index}`, value)
    for (const [index, value] of values.entries()) {
      const read = await there.get(`key ${index}`)
      expect(read).toEqual(value)
      expect(Object.is(read, -0)).toBe(Object.is(value, -0))
      expect(await there.has(`key ${index}`)).toBe(true)
    }
    const error = Object.assign(new RangeError('no'), { code: 'ERR_X' })
    await dict.set('error', error)
    expect(await there.get('error')).toMatchObject({ name: 'RangeError', message: 'no', code: 'ERR_X' })
  })

  test('a value of some megabytes, and one that is too big', async () => {
    const dict = new ClusterDict<Uint8Array>(cluster, 'big')
    const value = new Uint8Array(5_000_000).map((_, index) => index % 251)
    await dict.set('big', value)
    expect(Buffer.compare((await dict.get('big')) as Uint8Array, value)).toBe(0)
    const error = await rejectionOf(dict.set('big', new Uint8Array(64 * 2 ** 20)))
    expect(error).toBeInstanceOf(RangeError)
    expect(error).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    expect((await dict.getEntry('big'))?.version).toBe(1n)
  })

  test('odd keys and names are each their own', async () => {
    const keys = [
      'a',
      'A',
      'a ',
      '%',
      '\\x61',
      "'",
      '"',
      '{}',
      '\n',
      '\u0000',
      'a\u0000',
      '\u{1F9F5}',
      '\uffff',
      '0',
      '00',
    ]
    const names = ['n', 'n:', 'n}', '{n}', "n'; drop table x; --"]
    for (const name of names) {
      const dict = new ClusterDict<string>(cluster, name)
      for (const key of keys) await dict.set(key, name + key)
    }
    for (const name of names) {
      const dict = new ClusterDict<string>(other, name)
      for (const key of keys) expect(await dict.get(key)).toBe(name + key)
      expect(await dict.size()).toBe(keys.length)
      const inOrder = [...keys].sort((one, two) => Buffer.compare(Buffer.from(one), Buffer.from(two)))
      expect(await all(dict.keys())).toEqual(inOrder)
    }
  })

  test('versions increase with each change, and none is given twice, whatever goes', async () => {
    const dict = new ClusterDict(cluster, 'versions')
    expect(await dict.set('a', 1)).toBe(1n)
    expect(await dict.set('b', 1)).toBe(2n)
    expect(await dict.delete('a')).toBe(true)
    expect(await dict.delete('a')).toBe(false)
    expect(await dict.set('a', 1, { ttl: 30 })).toBe(4n)
    await until(async () => !(await dict.has('a')), 'its end')
    expect(await dict.set('a', 1)).toBe(5n)
    await dict.clear()
    expect(await dict.getEntry('a')).toBeUndefined()
    expect(await dict.set('a', 1)).toBe(7n)
    await dict.add('a', 1)
    expect(await dict.getEntry('a')).toEqual({ value: 2, version: 8n })
  })

  test('a write with a version happens only if that is the one', async () => {
    const dict = new ClusterDict<string>(cluster, 'cas')
    expect(await dict.set('a', 'one', { ifVersion: 1n })).toBeUndefined()
    expect(await dict.has('a')).toBe(false)
    expect(await dict.set('a', 'one', { ifVersion: 'absent' })).toBe(1n)
    expect(await dict.set('a', 'two', { ifVersion: 'absent' })).toBeUndefined()
    for (const ifVersion of [0n, 2n, 10n, -1n, 2n ** 70n])
      expect(await dict.set('a', 'two', { ifVersion })).toBeUndefined()
    expect(await dict.getEntry('a')).toEqual({ value: 'one', version: 1n })
    expect(await dict.set('a', 'two', { ifVersion: 1n })).toBe(2n)
    expect(await dict.delete('a', { ifVersion: 1n })).toBe(false)
    expect(await dict.get('a')).toBe('two')
    expect(await dict.delete('a', { ifVersion: 2n })).toBe(true)
    expect(await dict.set('a', 'three', { ifVersion: 'absent' })).toBe(4n)
  })

  test('a late fenced write is refused, and changes nothing', async () => {
    const dict = new ClusterDict<string>(cluster, 'fences')
    const lock = new ClusterLock(cluster, 'of the dict')
    const old = await lock.acquire()
    expect(await dict.set('a', 'old', { fence: old.token })).toBe(1n)
    expect(await dict.set('a', 'old again', { fence: old.token })).toBe(2n)
    await old.release()
    await using guard = await lock.acquire()
    expect(await dict.set('a', 'new', { fence: guard.token })).toBe(3n)
    expect(await dict.set('a', 'late', { fence: old.token })).toBeUndefined()
    expect(await dict.delete('a', { fence: old.token })).toBe(false)
    expect(await dict.getEntry('a')).toEqual({ value: 'new', version: 3n })
    // Each key has its own, a write without one passes, and it outlives the entry.
    expect(await dict.set('b', 'old', { fence: old.token })).toBe(4n)
    expect(await dict.set('a', 'free')).toBe(5n)
    expect(await dict.delete('a', { fence: guard.token })).toBe(true)
    expect(await dict.set('a', 'late', { fence: old.token })).toBeUndefined()
    await dict.clear()
    expect(await dict.set('a', 'late', { fence: old.token })).toBeUndefined()
    expect(await dict.has('a')).toBe(false)
  })

  test('fences are compared as numbers, and a refused write does not raise them', async () => {
    const dict = new ClusterDict<number>(cluster, 'digits')
    expect(await dict.set('a', 1, { fence: 9n })).toBe(1n)
    expect(await dict.set('a', 2, { fence: 10n })).toBe(2n)
    expect(await dict.set('a', 3, { fence: 9n })).toBeUndefined()
    expect(await dict.set('a', 3, { fence: 2n ** 62n, ifVersion: 1n })).toBeUndefined()
    expect(await dict.set('a', 3, { fence: 11n })).toBe(3n)
    expect(await dict.set('a', 4, { fence: 2n ** 63n - 1n })).toBe(4n)
    expect(await dict.set('a', 5, { fence: 2n ** 63n - 2n })).toBeUndefined()
    expect(await dict.delete('none', { fence: 5n })).toBe(false)
    expect(await dict.set('none', 1, { fence: 4n })).toBeUndefined()
  })

  test('an entry with a ttl ends in time, not before, and then is as none', async () => {
    const dict = new ClusterDict<string>(cluster, 'ttl')
    const ttl = 200
    const began = performance.now()
    await dict.set('a', 'short', { ttl })
    await dict.set('b', 'long', { ttl: 60_000 })
    await dict.set('c', 'for ever', { ttl: Number.POSITIVE_INFINITY })
    const { expiresIn = 0 } = (await dict.getEntry('b')) ?? {}
    expect(expiresIn).toBeGreaterThan(50_000)
    expect(expiresIn).toBeLessThanOrEqual(60_000)
    expect(await dict.getEntry('c')).toEqual({ value: 'for ever', version: 3n })
    await until(async () => (await dict.get('a')) === undefined, 'its end')
    expect(performance.now() - began).toBeGreaterThanOrEqual(ttl)
    expect(await dict.has('a')).toBe(false)
    expect(await dict.getEntry('a')).toBeUndefined()
    expect(await dict.size()).toBe(2)
    expect(await all(dict.keys())).toEqual(['b', 'c'])
    expect(await all(dict)).toEqual([
      ['b', 'long'],
      ['c', 'for ever'],
    ])
    expect(await dict.set('a', 'x', { ifVersion: 1n })).toBeUndefined()
    expect(await dict.delete('a')).toBe(false)
    expect(await dict.set('a', 'new', { ifVersion: 'absent' })).toBe(4n)
    expect((await dict.getEntry('a'))?.expiresIn).toBeUndefined()
  })

  test('a set replaces the end, an addition and an update keep it unless they say another one', async () => {
    const dict = new ClusterDict<number>(cluster, 'ends')
    const left = async () => (await dict.getEntry('a'))?.expiresIn
    await dict.set('a', 1, { ttl: 60_000 })
    await dict.add('a', 1)
    expect(await left()).toBeGreaterThan(50_000)
    await dict.update('a', (value = 0) => value + 1)
    expect(await left()).toBeGreaterThan(50_000)
    await dict.add('a', 1, { ttl: 90_000 })
    expect(await left()).toBeGreaterThan(80_000)
    await dict.update('a', (value = 0) => value + 1, { ttl: 30_000 })
    expect(await left()).toBeLessThanOrEqual(30_000)
    expect(await dict.get('a')).toBe(5)
    await dict.set('a', 1)
    expect(await left()).toBeUndefined()
    await dict.set('a', 1, { ttl: 60_000 })
    await dict.update('a', () => 1, { ttl: Number.POSITIVE_INFINITY })
    expect(await left()).toBeUndefined()
    await dict.set('a', 5, { ttl: 20 })
    await until(async () => !(await dict.has('a')), 'its end')
    expect(await dict.add('a', 1)).toBe(1)
    expect(await left()).toBeUndefined()
  })

  test('later writes give back the room of entries that have ended', async () => {
    const dict = new ClusterDict<number>(cluster, 'room')
    for (let key = 0; key < 30; key += 1) await dict.set(`key ${key}`, key, { ttl: 20 })
    await until(async () => (await dict.size()) === 0, 'their end')
    for (let write = 0; write < 3; write += 1) await dict.set('last', write)
    expect(await storedEntries(server, cluster.prefix, 'room')).toBe(1)
    await dict.clear()
    expect(await storedEntries(server, cluster.prefix, 'room')).toBe(0)
  })

  test('keys and entries come in order over many pages, big values in small ones', async () => {
    const dict = new ClusterDict<unknown>(cluster, 'pages')
    expect(await all(dict.entries())).toEqual([])
    const keys = Array.from({ length: 250 }, (_, index) => `key ${String(index).padStart(3, '0')}`)
    await Promise.all(keys.map((key, index) => dict.set(key, index % 50 === 0 ? 'x'.repeat(700_000) : index)))
    expect(await all(dict.keys())).toEqual(keys)
    const entries = await all(dict.entries())
    expect(entries.map(([key]) => key)).toEqual(keys)
    expect(entries[51]).toEqual(['key 051', 51])
    expect(entries[100]).toEqual(['key 100', 'x'.repeat(700_000)])
    expect(await dict.size()).toBe(250)
    // One that is deleted meanwhile does not come, and what is there all the time does.
    const seen: string[] = []
    for await (const key of dict.keys()) {
      if (seen.length === 0) for (const gone of keys.slice(200)) await dict.delete(gone)
      seen.push(key)
      if (seen.length === 1) await dict.set('zzz', 1)
    }
    expect(seen).toEqual([...keys.slice(0, 200), 'zzz'])
  })

  test('bad arguments are refused, and change nothing', async () => {
    const dict = new ClusterDict<unknown>(cluster, 'bad')
    expect(() => new ClusterDict(cluster, '')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG' }))
    expect(() => new ClusterDict({} as Cluster, 'x')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG' }))
    const refused = async (code: string, promise: Promise<unknown>) =>
      expect(await rejectionOf(promise)).toMatchObject({ code })
    for (const key of ['', 'x'.repeat(1_001), 7, null, undefined, '\ud800'] as string[]) {
      await refused('ERR_INVALID_ARG', dict.get(key))
      await refused('ERR_INVALID_ARG', dict.getEntry(key))
      await refused('ERR_INVALID_ARG', dict.has(key))
      await refused('ERR_INVALID_ARG', dict.set(key, 1))
      await refused('ERR_INVALID_ARG', dict.delete(key))
      await refused('ERR_INVALID_ARG', dict.add(key, 1))
      await refused(
        'ERR_INVALID_ARG',
        dict.update(key, () => 1),
      )
      if (key !== undefined) await refused('ERR_INVALID_ARG', dict.watch({ key }))
    }
    for (const ttl of [0, -1, Number.NaN, 2 ** 44]) await refused('ERR_OUT_OF_RANGE', dict.set('a', 1, { ttl }))
    await refused('ERR_INVALID_ARG', dict.set('a', 1, { ttl: '5' as unknown as number }))
    for (const ifVersion of [1, '1', 'none', null])
      await refused('ERR_INVALID_ARG', dict.set('a', 1, { ifVersion: ifVersion as 'absent' }))
    await refused('ERR_INVALID_ARG', dict.set('a', 1, { fence: 1 as unknown as bigint }))
    for (const fence of [-1n, 2n ** 63n]) await refused('ERR_OUT_OF_RANGE', dict.set('a', 1, { fence }))
    for (const amount of [0.5, Number.NaN, 2 ** 53, 2n ** 60n]) await refused('ERR_OUT_OF_RANGE', dict.add('a', amount))
    await refused('ERR_INVALID_ARG', dict.add('a', '1' as unknown as number))
    await refused(
      'ERR_NOT_CLONEABLE',
      dict.set('a', () => 1),
    )
    await refused('ERR_INVALID_ARG', dict.update('a', 1 as unknown as () => 1))
    await refused('ERR_INVALID_ARG', dict.set('a', 1, 5 as unknown as object))
    await refused('ERR_INVALID_ARG', dict.watch({ signal: {} as AbortSignal }))
    expect(await dict.size()).toBe(0)
    expect(await dict.set('a', 1)).toBe(1n)
  })
})
