import { type Cluster, ClusterDict, type DictChange, type DictWatch, type LocalServer } from '@heddle/cluster-pool'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { breakConnections } from './support/break-connections.js'
import { connect, engines, startServer } from './support/servers.js'
import { rejectionOf } from './support/until.js'

describe.each(engines)('watching a dict on %s', (engine) => {
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

  const take = async (watch: DictWatch, count: number): Promise<DictChange[]> => {
    const changes: DictChange[] = []
    while (changes.length < count) {
      const next = await watch.next()
      if (next.done) throw new Error('the watch has ended')
      changes.push(next.value)
    }
    return changes
  }

  test('each change comes, in order, from the moment at which the watch has begun', async () => {
    const dict = new ClusterDict(cluster, 'w')
    const there = new ClusterDict(other, 'w')
    await dict.set('before', 1)
    await using watch = await there.watch()
    await dict.set('a', 1)
    await dict.set('a', 2, { ifVersion: 1n })
    await dict.add('n', 1)
    await there.update('\u{1F9F5} %\n', () => 5)
    await dict.delete('none')
    await dict.delete('a')
    await dict.clear()
    await dict.set('a', 3)
    expect(await take(watch, 6)).toEqual([
      { type: 'set', key: 'a', version: 2n },
      { type: 'set', key: 'n', version: 3n },
      { type: 'set', key: '\u{1F9F5} %\n', version: 4n },
      { type: 'delete', key: 'a', version: 5n },
      { type: 'clear', version: 6n },
      { type: 'set', key: 'a', version: 7n },
    ])
  })

  test('changes of many at a time come in the order of their versions, and none is missing', async () => {
    const dicts = [cluster, other].map((connection) => new ClusterDict<number>(connection, 'many'))
    await using watch = await (dicts[0] as ClusterDict<number>).watch()
    const changing = Promise.all(Array.from({ length: 300 }, (_, index) => dicts[index % 2]?.add(`k${index % 3}`, 1)))
    const changes = await take(watch, 300)
    await changing
    expect(changes.map((change) => (change.type === 'gap' ? undefined : change.version))).toEqual(
      Array.from({ length: 300 }, (_, index) => BigInt(index + 1)),
    )
  })

  test('a watch of a key gets its changes only, and those of all', async () => {
    const dict = new ClusterDict(cluster, 'key')
    await using watch = await dict.watch({ key: 'mine' })
    for (const key of ['mine', 'other', 'mine2', 'mine']) await dict.set(key, 1)
    await dict.clear()
    await dict.delete('other')
    await dict.set('mine', 1)
    expect(await take(watch, 4)).toEqual([
      { type: 'set', key: 'mine', version: 1n },
      { type: 'set', key: 'mine', version: 4n },
      { type: 'clear', version: 5n },
      { type: 'set', key: 'mine', version: 6n },
    ])
  })

  test('a dict of another name or prefix is not heard', async () => {
    const stranger = await connect(server)
    const dict = new ClusterDict(cluster, 'name')
    await using watch = await dict.watch()
    await new ClusterDict(cluster, 'name2').set('a', 1)
    await new ClusterDict(stranger, 'name').set('a', 1)
    await dict.set('b', 1)
    expect(await take(watch, 1)).toEqual([{ type: 'set', key: 'b', version: 1n }])
    await stranger.close()
  })

  test('leaving the loop, return and dispose end it; others go on', async () => {
    const dict = new ClusterDict(cluster, 'end')
    await using other = await dict.watch()
    const watch = await dict.watch()
    await dict.set('a', 1)
    for await (const change of watch) {
      expect(change).toEqual({ type: 'set', key: 'a', version: 1n })
      break
    }
    expect(await watch.next()).toEqual({ done: true, value: undefined })
    await dict.set('a', 2)
    expect(await take(other, 2)).toHaveLength(2)
    const waiting = await dict.watch()
    const next = waiting.next()
    await waiting.return()
    expect(await next).toEqual({ done: true, value: undefined })
    const version = await dict.set('a', 3)
    expect(await take(other, 1)).toEqual([{ type: 'set', key: 'a', version }])
  })

  test('an abort rejects what waits with the reason, and a watch that is not yet there', async () => {
    const dict = new ClusterDict(cluster, 'abort')
    const controller = new AbortController()
    const watch = await dict.watch({ signal: controller.signal })
    const next = rejectionOf(watch.next())
    controller.abort(null)
    expect(await next).toBe(null)
    expect(await rejectionOf(watch.next())).toBe(null)
    expect(await rejectionOf(dict.watch({ signal: controller.signal }))).toBe(null)
    const soon = new AbortController()
    const beginning = rejectionOf(dict.watch({ signal: soon.signal }))
    soon.abort('no')
    expect(await beginning).toBe('no')
  })

  test('a lost connection is told by a gap, and changes come again behind it', async () => {
    const dict = new ClusterDict(cluster, 'gap')
    await using watch = await dict.watch()
    await dict.set('a', 1)
    expect(await take(watch, 1)).toMatchObject([{ type: 'set' }])
    for (let round = 0; round < 2; round += 1) {
      await breakConnections(server)
      expect(await take(watch, 1)).toEqual([{ type: 'gap' }])
      const version = await dict.set('a', 2)
      expect(await take(watch, 1)).toEqual([{ type: 'set', key: 'a', version }])
    }
  })

  test('when nobody takes the changes, the oldest give way to a gap', async () => {
    const dict = new ClusterDict<number>(cluster, 'slow')
    await using watch = await dict.watch()
    await using fast = await dict.watch()
    const taking = take(fast, 10_010)
    for (let round = 0; round < 91; round += 1) await Promise.all(Array.from({ length: 110 }, () => dict.add('n', 1)))
    await taking
    const [first, second] = await take(watch, 2)
    expect(first).toEqual({ type: 'gap' })
    // From there on none is missing.
    expect(second).toMatchObject({ type: 'set', version: 10_002n })
    expect(await take(watch, 8)).toHaveLength(8)
  }, 60_000)

  test('what waits for a change is told when the cluster is closed', async () => {
    const closing = await connect(server)
    const watch = await new ClusterDict(closing, 'closed').watch()
    const next = rejectionOf(watch.next())
    await closing.close()
    expect(await next).toMatchObject({ code: 'ERR_SERVER_UNAVAILABLE' })
    expect(await rejectionOf(new ClusterDict(closing, 'closed').watch())).toMatchObject({
      code: 'ERR_SERVER_UNAVAILABLE',
    })
  })
})
