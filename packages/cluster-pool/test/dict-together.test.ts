import { type Cluster, ClusterDict, type LocalServer } from '@heddle/cluster-pool'
import { TimeoutError } from '@heddle/pool-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { startCable } from './support/cable.js'
import { startLeaseProcess } from './support/lease-process.js'
import { connect, engines, startServer } from './support/servers.js'
import { rejectionOf, until } from './support/until.js'

describe.each(engines)('several who change a dict on %s', (engine) => {
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

  test('additions of several processes sum up exactly', async () => {
    const dict = new ClusterDict<number>(cluster, 'sum')
    await using one = await startLeaseProcess(cluster)
    await using two = await startLeaseProcess(cluster)
    const here = async () => {
      for (let count = 0; count < 200; count += 1) await dict.add('n', -1)
    }
    await Promise.all([one.ask('addUp', 'sum', 'n', 300), two.ask('addUp', 'sum', 'n', 300), here()])
    expect(await dict.getEntry('n')).toEqual({ value: 400, version: 800n })
  })

  test('an addition counts from 0, reads what was set, and refuses what it cannot count', async () => {
    const dict = new ClusterDict<unknown>(cluster, 'add')
    expect(await dict.add('n', 5)).toBe(5)
    expect(await dict.get('n')).toBe(5)
    expect(await dict.add('n', -7n)).toBe(-2)
    await dict.set('n', Number.MAX_SAFE_INTEGER - 1)
    expect(await dict.add('n', 1)).toBe(Number.MAX_SAFE_INTEGER)
    for (const amount of [1, Number.MAX_SAFE_INTEGER]) {
      const error = await rejectionOf(dict.add('n', amount))
      expect(error).toBeInstanceOf(RangeError)
      expect(error).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    }
    expect(await dict.add('n', Number.MIN_SAFE_INTEGER)).toBe(0)
    expect(await dict.add('n', Number.MIN_SAFE_INTEGER)).toBe(Number.MIN_SAFE_INTEGER)
    expect(await rejectionOf(dict.add('n', -1))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    await dict.set('n', -0)
    expect(await dict.add('n', 0)).toBe(0)
    for (const value of ['5', 0.5, 5n, null, undefined, { n: 1 }, [5]]) {
      await dict.set('x', value)
      const before = await dict.getEntry('x')
      const error = await rejectionOf(dict.add('x', 1))
      expect(error).toBeInstanceOf(TypeError)
      expect(error).toMatchObject({ code: 'ERR_INVALID_ARG' })
      expect(await dict.getEntry('x')).toEqual(before)
    }
  })

  test('of those who set the same version, one gets through', async () => {
    for (const ifVersion of ['absent', 'there'] as const) {
      const dict = new ClusterDict<number>(cluster, `race ${ifVersion}`)
      const there = new ClusterDict<number>(other, `race ${ifVersion}`)
      const version = ifVersion === 'there' ? ((await dict.set('a', -1)) as bigint) : ifVersion
      const tries = Array.from({ length: 20 }, (_, index) =>
        (index % 2 ? dict : there).set('a', index, { ifVersion: version }),
      )
      const versions = await Promise.all(tries)
      const winners = versions.flatMap((each, index) => (each === undefined ? [] : [index]))
      expect(winners).toHaveLength(1)
      expect(await dict.get('a')).toBe(winners[0])
    }
  })

  test('updates of several lose nothing', async () => {
    const dicts = [cluster, other].map((connection) => new ClusterDict<number[]>(connection, 'updates'))
    const push = (index: number) =>
      dicts[index % 2]?.update('list', async (list = []) => {
        await new Promise(setImmediate)
        return [...list, index]
      })
    await Promise.all(Array.from({ length: 30 }, (_, index) => push(index)))
    const list = (await dicts[0]?.get('list')) ?? []
    expect([...list].sort((one, two) => one - two)).toEqual(Array.from({ length: 30 }, (_, index) => index))
  })

  test('an update gives what it wrote, and passes errors on without a change', async () => {
    const dict = new ClusterDict<string>(cluster, 'update')
    expect(await dict.update('a', (value) => `${value}!`)).toBe('undefined!')
    expect(await dict.update('a', (value) => Promise.resolve(`${value}?`))).toBe('undefined!?')
    const error = new Error('as it is')
    expect(
      await rejectionOf(
        dict.update('a', () => {
          throw error
        }),
      ),
    ).toBe(error)
    expect(await rejectionOf(dict.update('a', () => Promise.reject(error)))).toBe(error)
    expect(await rejectionOf(dict.update('a', () => (() => 1) as unknown as string))).toMatchObject({
      code: 'ERR_NOT_CLONEABLE',
    })
    expect(await dict.getEntry('a')).toEqual({ value: 'undefined!?', version: 2n })
  })

  test('an update that never gets through ends with its timeout or its signal, and writes nothing', async () => {
    const dict = new ClusterDict<number>(cluster, 'never')
    const there = new ClusterDict<number>(other, 'never')
    await dict.set('a', 1)
    let calls = 0
    const inTheWay = async (value = 0) => {
      calls += 1
      await there.set('a', value + 1)
      return -1
    }
    const began = performance.now()
    const error = await rejectionOf(dict.update('a', inTheWay, { timeout: 150 }))
    expect(performance.now() - began).toBeGreaterThanOrEqual(150)
    expect(error).toBeInstanceOf(TimeoutError)
    expect(calls).toBeGreaterThan(1)
    calls = 0
    expect(await rejectionOf(dict.update('a', inTheWay, { timeout: 0 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(calls).toBe(1)
    const controller = new AbortController()
    setTimeout(() => controller.abort(null), 30)
    expect(await rejectionOf(dict.update('a', inTheWay, { signal: controller.signal }))).toBe(null)
    const before = await dict.getEntry('a')
    expect(await rejectionOf(dict.update('a', inTheWay, { signal: controller.signal }))).toBe(null)
    expect(await dict.getEntry('a')).toEqual(before)
    expect(before?.value).toBeGreaterThan(1)
    const forEver = () => new Promise<number>(() => undefined)
    expect(await rejectionOf(dict.update('a', forEver, { timeout: 20 }))).toBeInstanceOf(TimeoutError)
    expect(await dict.update('a', () => 0, { timeout: 0 })).toBe(0)
  })

  test('what may have happened says so when the connection breaks, and what may be asked twice gets its answer', async () => {
    await using cable = await startCable(server)
    await using far = await connect(server, { prefix: cluster.prefix, url: cable.url, serverTimeout: 5_000 })
    const dict = new ClusterDict<number>(far, 'broken')
    const near = new ClusterDict<number>(cluster, 'broken')
    await dict.set('a', 1)
    /** Breaks the connection when the question is on its way. */
    const broken = async (ask: () => Promise<unknown>): Promise<unknown> => {
      await dict.get('a')
      cable.cut()
      const answer = ask()
      await until(() => cable.held > 0, 'that it is on its way')
      cable.breakAll()
      cable.mend()
      return await answer
    }
    const changes = [() => dict.add('a', 1), () => dict.delete('a'), () => dict.set('a', 5, { ifVersion: 1n })]
    for (const change of changes)
      expect(await rejectionOf(broken(change))).toMatchObject({ name: 'ClusterError', code: 'ERR_SERVER_UNAVAILABLE' })
    expect(await broken(() => dict.get('a'))).toBe(1)
    expect(await broken(() => dict.set('c', 3))).toBe(2n)
    expect(await near.get('c')).toBe(3)
    expect(await near.get('a')).toBe(1)
  })
})
