import diagnostics from 'node:diagnostics_channel'
import { afterEach, expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { rejectionOf } from '../support/observe.js'
import type { Kit } from './kit.js'

interface PoolEvent {
  readonly event: string
  readonly pool: string
}

export function events({ createPool, tasks, boundary }: Kit): void {
  const listening: (() => void)[] = []

  /** What is told of one pool from now on. */
  function listen(channel: 'task' | 'worker', pool: { readonly name: string }): PoolEvent[] {
    const told: PoolEvent[] = []
    const name = `heddle:pool-core:${channel}`
    const hear = (message: unknown) => {
      if ((message as PoolEvent).pool === pool.name) told.push(message as PoolEvent)
    }
    diagnostics.subscribe(name, hear)
    listening.push(() => diagnostics.unsubscribe(name, hear))
    return told
  }

  afterEach(() => {
    for (const stop of listening.splice(0)) stop()
  })

  const kindsOf = (told: readonly PoolEvent[]) => told.map(({ event }) => event)

  test('the way of a task is told from the queue to its end, with the counts at that moment', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    const told = listen('task', pool)
    const id = await pool.submitTask(tasks.hold, [gate.dir, 'held'])
    const behind = pool.run(tasks.add, [1, 2])
    await gate.begun('held')
    gate.open()
    await pool.getTaskResult(id)
    await behind
    const held = { pool: pool.name, task: 'hold', number: 1, id, runs: 1, attempt: 1 }
    const add = { pool: pool.name, task: 'add', number: 2, id: undefined, runs: 1, attempt: 1 }
    expect(told).toEqual([
      { event: 'queued', ...held, running: 0, queued: 1 },
      { event: 'queued', ...add, running: 0, queued: 2 },
      { event: 'started', ...held, running: 1, queued: 1 },
      { event: 'succeeded', ...held, running: 0, queued: 1 },
      { event: 'started', ...add, running: 1, queued: 0 },
      { event: 'succeeded', ...add, running: 0, queued: 0 },
    ])
  })

  test('every end has its own event: failed, cancelled, timedOut and dropped', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    await pool.run(tasks.add, [1, 2])
    const told = listen('task', pool)
    await rejectionOf(pool.run(tasks.fail, ['builtIn']))
    expect(kindsOf(told.splice(0))).toEqual(['queued', 'started', 'failed'])
    await rejectionOf(pool.run(tasks.spin, [gate.dir, 'loop'], { timeout: 20 }))
    expect(kindsOf(told.splice(0))).toEqual(['queued', 'started', 'timedOut'])
    const held = pool.run(tasks.hold, [gate.dir, 'held'])
    await gate.begun('held')
    told.splice(0)
    const controller = new AbortController()
    const aborted = rejectionOf(pool.run(tasks.add, [1, 2], { signal: controller.signal }))
    controller.abort()
    await aborted
    const dropped = rejectionOf(pool.run(tasks.add, [1, 2]))
    pool.clear()
    await dropped
    expect(kindsOf(told)).toEqual(['queued', 'cancelled', 'queued', 'dropped'])
    gate.open()
    await held
  })

  test('a worker is told when it is up, when it was ended, and when it ended by itself, and how', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const told = listen('worker', pool)
    const [pid, threadId] = (await pool.run(tasks.worker, [])).split('/').map(Number)
    const who = boundary === 'thread' ? { pid: undefined, threadId } : { pid, threadId: undefined }
    await rejectionOf(pool.run(tasks.exit, [3]))
    await pool.run(tasks.add, [1, 2])
    await pool.drain()
    expect(told).toMatchObject([
      { event: 'started', ...who },
      { event: 'crashed', ...who, how: 'ended with exit code 3' },
      { event: 'started' },
      { event: 'ended' },
    ])
  })

  test('nothing is made for a channel that nobody has subscribed to', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const channels = ['task', 'worker'].map((name) => diagnostics.channel(`heddle:pool-core:${name}`))
    let published = 0
    for (const channel of channels)
      Object.defineProperty(channel, 'publish', { configurable: true, value: () => (published += 1) })
    listening.push(() => {
      for (const channel of channels) Reflect.deleteProperty(channel, 'publish')
    })
    expect(await pool.run(tasks.add, [1, 2])).toBe(3)
    await pool.drain()
    expect(published).toBe(0)
  })
}
