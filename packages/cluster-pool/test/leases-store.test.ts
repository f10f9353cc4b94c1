import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { Cluster } from '../build/connection/cluster.js'
import { serverOf } from '../build/connection/cluster-server.js'
import type { LeaseRequest, LeaseStore } from '../build/leases/lease-store.js'
import { PostgresLeaseStore } from '../build/leases/postgres-lease-store.js'
import { RedisLeaseStore } from '../build/leases/redis-lease-store.js'
import { LocalServer } from '../build/local-server/local-server.js'
import { engines, newPrefix } from './support/servers.js'
import { until } from './support/until.js'

describe.each(engines)('what the server keeps of a semaphore: %s', (engine) => {
  let server: LocalServer
  let cluster: Cluster
  let store: LeaseStore
  let told: string[] = []
  let unsubscribe: () => void = () => undefined

  beforeAll(async () => {
    server = await LocalServer.start({ engine, durable: false })
    cluster = await Cluster.connect({ url: server.url, prefix: newPrefix() })
  }, 60_000)
  afterAll(async () => {
    await cluster.close()
    await server.stop()
  })
  beforeEach(async () => {
    const at = serverOf(cluster)
    const name = randomUUID()
    store = at.engine === 'redis' ? new RedisLeaseStore(at, 'x', name, 3) : new PostgresLeaseStore(at, 'x', name, 3)
    told = []
    unsubscribe()
    unsubscribe = await at.notices.subscribe(store.channel, { onMessage: (id) => told.push(id) })
  })

  const request = (id: string, permits: number, more: Partial<LeaseRequest> = {}): LeaseRequest => ({
    id,
    permits,
    lease: 60_000,
    mayWait: true,
    ...more,
  })
  const tokenOf = async (...args: Parameters<typeof request>) => (await store.ask(request(...args))).token

  test('a grant that is asked for again is the same one, and its lease begins anew', async () => {
    expect(await tokenOf('a', 2, { lease: 300 })).toBe(1n)
    await delay(200)
    expect(await tokenOf('a', 2, { lease: 300 })).toBe(1n)
    expect(await store.state()).toEqual({ used: 2, bound: 3, waiters: 0 })
    await delay(200)
    expect(await store.state()).toEqual({ used: 2, bound: 3, waiters: 0 })
    await until(async () => (await store.state()).used === 0)
    expect(await tokenOf('a', 2)).toBe(2n)
  })

  test('one that waits and asks again keeps its place', async () => {
    await tokenOf('holder', 3)
    for (const id of ['a', 'b', 'a']) expect(await tokenOf(id, 3)).toBeUndefined()
    expect(await store.state()).toEqual({ used: 3, bound: 3, waiters: 2 })
    await store.release('holder')
    expect(await tokenOf('b', 3)).toBeUndefined()
    expect(await tokenOf('a', 3)).toBe(2n)
  })

  test('what is released twice, or was never held, takes nothing from others', async () => {
    await tokenOf('a', 2)
    await tokenOf('b', 1)
    for (let round = 0; round < 2; round += 1) await store.release('a')
    await store.release('nobody')
    expect(await store.state()).toEqual({ used: 1, bound: 3, waiters: 0 })
    expect(await store.renew('a', 1_000)).toBe(false)
    expect(await store.renew('nobody', 1_000)).toBe(false)
    expect(await store.renew('b', 1_000)).toBe(true)
    expect(await store.state()).toEqual({ used: 1, bound: 3, waiters: 0 })
  })

  test('one that waits holds nothing: it cannot renew, and its release takes it out of the line', async () => {
    await tokenOf('a', 3)
    await tokenOf('b', 3)
    expect(await store.renew('b', 1_000)).toBe(false)
    expect(await store.state()).toEqual({ used: 3, bound: 3, waiters: 1 })
    await store.release('b')
    expect(await store.state()).toEqual({ used: 3, bound: 3, waiters: 0 })
  })

  test('one that may not wait is not put into the line', async () => {
    await tokenOf('a', 3)
    expect(await tokenOf('b', 1, { mayWait: false })).toBeUndefined()
    expect(await store.state()).toEqual({ used: 3, bound: 3, waiters: 0 })
  })

  test('the head of the line hears when the next lease ends, to look then', async () => {
    await tokenOf('a', 2, { lease: 400 })
    await tokenOf('b', 1, { lease: 60_000 })
    const answer = await store.ask(request('c', 3))
    const { waitMs = 0 } = answer as { readonly waitMs?: number }
    expect(waitMs).toBeGreaterThan(100)
    expect(waitMs).toBeLessThanOrEqual(400)
    const behind = await store.ask(request('d', 1))
    expect(behind).toEqual({ token: undefined, waitMs: 1_000 })
  })

  test.each(['release', 'the end of a lease', 'the head that leaves'])('%s names who may go next', async (how) => {
    await tokenOf('holder', 2, { lease: how === 'the end of a lease' ? 150 : 60_000 })
    const big = how === 'the head that leaves'
    await tokenOf('head', big ? 3 : 2)
    await tokenOf('behind', 1)
    await delay(200)
    told = []
    if (how === 'release') await store.release('holder')
    if (how === 'the head that leaves') await store.release('head')
    // Whoever asks for anything sees that a lease has ended.
    if (how === 'the end of a lease') await store.ask(request('somebody', 1))
    const next = big ? 'behind' : 'head'
    await until(() => told.includes(next), `a notice for ${next}, not ${told.join()}`)
    expect(told).not.toContain(big ? 'head' : 'behind')
    expect(await tokenOf(next, big ? 1 : 2)).toBe(2n)
  })

  test('the token of a name outlives all its holders and waiters', async () => {
    expect(await tokenOf('a', 1, { lease: 100 })).toBe(1n)
    await until(async () => (await store.state()).used === 0)
    expect(await tokenOf('b', 1)).toBe(2n)
    await store.release('b')
    expect(await tokenOf('c', 1)).toBe(3n)
  })
})
