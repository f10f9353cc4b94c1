import type { LocalServer } from '@heddle/cluster-pool'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { serverOf } from '../build/connection/cluster-server.js'
import * as modules from '../build/index.js'
import { TaskQueue } from '../build/pool/task-queue.js'
import * as tasks from './fixtures/tasks.mjs'
import { engines, newPrefix, startServer } from './support/servers.js'

// What somebody else writes to the server must hurt nobody. Through the single modules, which show the channels.
describe.each(engines)('%s', (engine) => {
  let server: LocalServer
  let cluster: modules.Cluster
  const ends: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    server = await startServer(engine)
  }, 60_000)

  afterAll(() => server.stop())

  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  async function open(): Promise<modules.ClusterPoolManager> {
    cluster = await modules.Cluster.connect({ url: server.url, prefix: newPrefix() })
    ends.push(() => cluster.close())
    const pool = new modules.ClusterPoolManager(cluster)
    ends.push(() => pool.terminate())
    return pool
  }

  async function newNode(): Promise<void> {
    const node = await modules.ClusterNode.start(cluster, { tasks, concurrency: 1 })
    ends.push(() => node.terminate())
  }

  test('what others write to the channel of a caller neither ends it nor settles its task wrongly', async () => {
    const pool = await open()
    const id = await pool.submitTask(tasks.add, [1, 2])
    const channel = `reply:${id.slice(0, id.lastIndexOf('-'))}`
    const bad = [
      [id, 'settled', null],
      [id, 'settled', { kind: 'constructor', bytes: '', ms: 1 }],
      [id, 'settled', { kind: 'value', bytes: 'AAAA', ms: 'soon' }],
      [id, 'progress', 7],
      [id, 'no such thing'],
      [null],
      null,
    ]
    for (const reply of bad) await serverOf(cluster).notices.publish(channel, JSON.stringify([reply]))
    for (const text of ['', '{', '7', '{"length":3}']) await serverOf(cluster).notices.publish(channel, text)
    await newNode()
    expect(await pool.getTaskResult(id)).toBe(3)
    expect(pool.stats()).toMatchObject({ succeeded: 1, failed: 0 })
  })

  test('a result that cannot be read is a failure', async () => {
    const pool = await open()
    const id = await pool.submitTask(tasks.add, [1, 2])
    const reply = [id, 'settled', { kind: 'value', bytes: 'AAAA', ms: 1 }]
    await serverOf(cluster).notices.publish(`reply:${id.slice(0, id.lastIndexOf('-'))}`, JSON.stringify([reply]))
    await expect(pool.getTaskResult(id)).rejects.toBeInstanceOf(Error)
    expect(pool.stats()).toMatchObject({ succeeded: 0, failed: 1 })
  })

  test('what others store in the queue does not end a node', async () => {
    const pool = await open()
    await newNode()
    const queue = new TaskQueue(cluster, pool.name, () => undefined)
    ends.push(() => queue.close())
    const odd = [
      null,
      {},
      { a: 'AAAA', c: { toString: 1 } },
      { a: { length: 1e9 }, c: 'x' },
      { a: 'AAAA', c: 'x', t: 'no' },
    ]
    await queue.add(odd.map((data, at) => ({ id: `odd-${at}`, name: 'add', data: data as never, priority: 0 })))
    expect(await pool.run(tasks.add, [1, 2])).toBe(3)
  })
})
