import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Cluster, ClusterQueue, type LocalServer } from '@heddle/cluster-pool'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type Made, type QueueProcess, startQueueProcess } from './fixtures/queue-processes.mjs'
import { connect, engines, startServer } from './support/servers.js'
import { until } from './support/until.js'

const lease = 1_000
/** What a dead holder's item may take to come: its lease, a look, and what a busy machine needs. */
const backMs = lease + 1_200

describe.each(engines)('queues of several programs on %s', (engine) => {
  let server: LocalServer
  let cluster: Cluster
  const programs: QueueProcess[] = []

  beforeAll(async () => {
    server = await startServer(engine)
  }, 60_000)
  afterAll(() => server.stop())
  beforeEach(async () => {
    cluster = await connect(server)
  })
  afterEach(async () => {
    await Promise.all(programs.splice(0).map((program) => program[Symbol.asyncDispose]()))
    await cluster.close()
  })

  async function start(): Promise<QueueProcess> {
    const program = await startQueueProcess(cluster)
    programs.push(program)
    return program
  }

  const all = async <Value>(count: number, make: () => Promise<Value>) =>
    Promise.all(Array.from({ length: count }, make))

  function expectEachOnce(taken: readonly (readonly Made[])[], producers: number, each: number): void {
    const ids = taken.flat().map(({ from, i }) => `${from}:${i}`)
    const made = Array.from({ length: producers * each }, (_, n) => `${n % producers}:${Math.floor(n / producers)}`)
    expect(ids.length).toBe(made.length)
    expect(new Set(ids)).toEqual(new Set(made))
    // Of one producer, each consumer sees a part, in order.
    for (const items of taken)
      for (let from = 0; from < producers; from += 1) {
        const own = items.filter((item) => item.from === from).map(({ i }) => i)
        expect(own).toEqual(own.toSorted((a, b) => a - b))
      }
  }

  test('4 producers and 4 consumers, of which each is a program: each item is taken once, none is lost', async () => {
    const producers = await all(4, start)
    const consumers = await all(4, start)
    const taken = consumers.map((program, n) => program.ask(n % 2 ? 'consume' : 'takeAll', 'work', { capacity: 10 }))
    await Promise.all(producers.map((program, from) => program.ask('produce', 'work', from, 100, { capacity: 10 })))
    const queue = new ClusterQueue(cluster, 'work')
    await queue.close()
    expectEachOnce(await Promise.all(taken), 4, 100)
    expect(await queue.getStats()).toMatchObject({ waiting: 0, claimed: 0 })
  }, 60_000)

  test('the item of a killed program is delivered again in time, before later ones, as the second attempt', async () => {
    const queue = new ClusterQueue(cluster, 'killed', { lease })
    await queue.putMany(['first', 'second'])
    const holder = await start()
    expect(await holder.ask('receive', 'killed', { lease })).toEqual({ item: 'first', attempt: 1 })
    // Renewed for as long as it lives.
    await delay(1.5 * lease)
    expect(await queue.getStats()).toMatchObject({ waiting: 1, claimed: 1 })
    const second = await queue.receive()
    const waiting = queue.receive()
    await holder.signal('SIGKILL')
    const since = performance.now()
    const again = await waiting
    expect(performance.now() - since).toBeLessThan(backMs)
    expect([again.item, again.attempt, second.item]).toEqual(['first', 2, 'second'])
    await again.ack()
    await second.ack()
    expect(await queue.getStats()).toMatchObject({ waiting: 0, claimed: 0 })
  }, 60_000)

  test('a program that was stopped for longer than its lease has lost its item, and is told so', async () => {
    const queue = new ClusterQueue(cluster, 'stopped', { lease })
    await queue.put('it')
    const holder = await start()
    await holder.ask('receive', 'stopped', { lease })
    await holder.signal('SIGSTOP')
    const since = performance.now()
    const again = await queue.receive()
    expect(performance.now() - since).toBeLessThan(backMs)
    expect([again.item, again.attempt]).toEqual(['it', 2])
    await holder.signal('SIGCONT')
    expect(await holder.ask('ack')).toBe('ERR_LEASE_LOST')
    expect(await holder.ask('held')).toEqual({ held: false, lost: 'ERR_LEASE_LOST' })
    expect(again.held).toBe(true)
    expect(await queue.getStats()).toMatchObject({ waiting: 0, claimed: 1 })
    await again.ack()
  }, 60_000)

  test('consumers that are killed in the middle lose nothing that is not acknowledged', async () => {
    const count = 120
    const queue = new ClusterQueue<Made>(cluster, 'deaths', { lease: 300 })
    await queue.putMany(Array.from({ length: count }, (_, i) => ({ from: 0, i })))
    for (let round = 0; round < 3; round += 1) {
      const victim = await start()
      const consuming = victim.ask('consume', 'deaths', { lease: 300 }).catch(() => undefined)
      const before = await queue.size()
      await until(async () => (await queue.size()) < before - 3, 'it takes some')
      await victim.signal('SIGKILL')
      await consuming
    }
    const left = await queue.size()
    expect(left).toBeLessThan(count)
    await until(async () => (await queue.getStats()).claimed === 0, 'the leases of the dead have run out')
    await queue.close()
    const taken: number[] = []
    for await (const { i } of queue) taken.push(i)
    // All but those that a victim has acknowledged, which are the first ones: at most one of each was on its way.
    expect(taken).toEqual(taken.toSorted((a, b) => a - b))
    expect(new Set(taken).size).toBe(taken.length)
    expect(taken).toContain(count - 1)
    expect(taken.length).toBeLessThanOrEqual(left + 3)
    expect(taken.length).toBeGreaterThanOrEqual(left)
  }, 60_000)

  test('a program ends although it has used queues, topics and limiters, and not while it waits for an item', async () => {
    const program = fileURLToPath(new URL('./fixtures/queue-lonely.mjs', import.meta.url))
    const child = spawn(process.execPath, [program, cluster.url, cluster.prefix], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    const exited = once(child, 'exit')
    await until(() => output.includes('waits'), 'it waits')
    await delay(1_500)
    expect(child.exitCode).toBeNull()
    await new ClusterQueue(cluster, 'lonely').put('late')
    expect(await exited).toEqual([0, null])
    expect(output).toBe('waits\nlate\n')
  }, 60_000)
})
