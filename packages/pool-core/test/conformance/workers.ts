import { expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { isAlive, rejectionOf, until } from '../support/observe.js'
import type { Kit } from './kit.js'

const moduleUrl = (name: string) => new URL(`modules/${name}`, import.meta.url).href

export function workers({ createPool, sharedPool, defineTask, tasks, boundary }: Kit): void {
  /** How many tasks each worker has served. */
  function served(names: readonly string[]): number[] {
    const counts = new Map<string, number>()
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
    return [...counts.values()]
  }

  test('a worker serves maxTasksPerWorker tasks, then another takes its place, and one lives at a time', async () => {
    const pool = createPool({ maxWorkers: 1, maxTasksPerWorker: 3 })
    const names: string[] = []
    for (let n = 0; n < 7; n += 1) {
      names.push(await pool.run(tasks.worker, []))
      expect(pool.stats().workers).toBeLessThanOrEqual(1)
    }
    expect(served(names)).toEqual([3, 3, 1])
    expect(pool.stats().crashes).toBe(0)
  })

  test('no worker serves more than maxTasksPerWorker, however short the tasks and however they come', async () => {
    const pool = createPool({ maxWorkers: 2, maxTasksPerWorker: 20 })
    const runs = await Promise.all(Array.from({ length: 100 }, () => pool.run(tasks.worker, [])))
    const items = Array.from({ length: 100 }, () => undefined)
    const mapped = await pool
      .map(() => `${process.pid}/${process.getBuiltinModule('worker_threads').threadId}`, items, { chunkSize: 30 })
      .toArray()
    expect(mapped).toHaveLength(100)
    expect(Math.max(...served([...runs, ...mapped]))).toBeLessThanOrEqual(20)
  })

  test('a worker that has had its last task is replaced when that is done, and not before', async () => {
    const pool = createPool({ maxWorkers: 1, maxTasksPerWorker: 1 })
    const gate = new Gate()
    const held = pool.run(tasks.hold, [gate.dir, 'held'])
    const behind = pool.run(tasks.worker, [])
    await gate.begun('held')
    expect(pool.stats()).toMatchObject({ workers: 1, running: 1, queued: 1 })
    gate.open()
    expect(await held).toBe('held')
    expect(await behind).toContain('/')
  })

  test('drain with one task for each worker lets all of them end, each in a worker of its own', async () => {
    const pool = createPool({ maxWorkers: 2, maxTasksPerWorker: 1 })
    const names = Promise.all(Array.from({ length: 6 }, () => pool.run(tasks.worker, [])))
    await pool.drain()
    expect(new Set(await names).size).toBe(6)
  })

  test('workers with nothing to do end after idleTimeout, down to minWorkers, and the rest serves on', async () => {
    const pool = createPool({ maxWorkers: 2, minWorkers: 1, idleTimeout: 60 })
    const gate = new Gate()
    const held = ['a', 'b'].map((label) => pool.run(tasks.hold, [gate.dir, label]))
    await gate.begun('a', 'b')
    gate.open()
    expect(await Promise.all(held)).toEqual(['a', 'b'])
    await until(() => pool.stats().workers === 1, 'the end of one worker')
    const worker = await pool.run(tasks.worker, [])
    const since = performance.now()
    await until(() => performance.now() - since > 200, 'more than the idle timeout')
    expect(pool.stats()).toMatchObject({ workers: 1, idleWorkers: 1, crashes: 0 })
    expect(await pool.run(tasks.worker, [])).toBe(worker)
  })

  test('a worker does not end before idleTimeout, nor under a task that takes longer; without a minimum all end', async () => {
    const idleTimeout = 150
    const pool = createPool({ maxWorkers: 1, idleTimeout })
    const gate = new Gate()
    const held = pool.run(tasks.hold, [gate.dir, 'held'])
    await gate.begun('held')
    const begun = performance.now()
    await until(() => performance.now() - begun > idleTimeout + 50, 'more than the idle timeout')
    expect(pool.stats().workers).toBe(1)
    gate.open()
    await held
    const idle = performance.now()
    const worker = await pool.run(tasks.worker, [])
    await until(() => pool.stats().workers === 0, 'the end of the worker')
    expect(performance.now() - idle).toBeGreaterThanOrEqual(idleTimeout)
    if (boundary === 'process') await until(() => !isAlive(Number.parseInt(worker, 10)), 'the end of the process')
    expect(await pool.run(tasks.worker, [])).not.toBe(worker)
  })

  test('minWorkers start without any task, and one that ends is replaced without any task', async () => {
    const gate = new Gate()
    const pool = createPool({
      maxWorkers: 3,
      minWorkers: 2,
      initializer: tasks.setUp,
      initializerArgs: [gate.dir, 'up'],
    })
    await until(() => pool.stats().idleWorkers === 2, 'two workers')
    await rejectionOf(pool.run(tasks.exit, [1]))
    await until(() => pool.stats().idleWorkers === 2, 'two workers again')
    expect(gate.log()).toEqual(['set up up', 'set up up', 'set up up'])
    expect(pool.stats().crashes).toBe(1)
  })

  test('a task is broadcast once to each of maxWorkers workers, busy ones and those not yet started included', async () => {
    const pool = createPool({ maxWorkers: 3 })
    const gate = new Gate()
    const held = pool.run(tasks.hold, [gate.dir, 'held'])
    await gate.begun('held')
    const everywhere = pool.broadcast(tasks.worker, [])
    await until(() => pool.stats().succeeded === 2, 'the runs in the free workers')
    gate.open()
    expect(new Set(await everywhere).size).toBe(3)
    expect(await held).toBe('held')
    expect(new Set(await pool.broadcast(tasks.worker, []))).toEqual(new Set(await everywhere))
  })

  test('a broadcast that fails somewhere rejects when all of its runs have settled', async () => {
    const pool = createPool({ maxWorkers: 2 })
    const gate = new Gate()
    await pool.broadcast(tasks.log, [gate.dir, 'both'])
    expect(gate.log()).toEqual(['both', 'both'])
    expect((await rejectionOf(pool.broadcast(tasks.fail, ['builtIn']))).name).toBe('RangeError')
    expect(pool.stats()).toMatchObject({ failed: 2, running: 0, queued: 0 })
  })

  test('env reaches the workers beside the environment of this program, and changes nothing here', async () => {
    const pool = createPool({ maxWorkers: 1, env: { HEDDLE_TEST_ENV: 'worker', PATH: '/nowhere' } })
    expect(await pool.run(tasks.variable, ['HEDDLE_TEST_ENV'])).toBe('worker')
    expect(await pool.run(tasks.variable, ['PATH'])).toBe('/nowhere')
    expect(await pool.run(tasks.variable, ['HOME'])).toBe(process.env.HOME)
    expect(process.env.HEDDLE_TEST_ENV).toBeUndefined()
    expect(await sharedPool(1).run(tasks.variable, ['HEDDLE_TEST_ENV'])).toBeUndefined()
  })

  test('a task module in TypeScript runs in workers whose execArgv imports a loader', async () => {
    const pool = createPool({ maxWorkers: 1, execArgv: ['--import', moduleUrl('strip-types.mjs')] })
    const area = defineTask(moduleUrl('typed-task.ts'), 'area', ({ a, b }: { a: number; b: number }) => a * b)
    expect(await pool.run(area, [{ a: 6, b: 7 }])).toBe(42)
  })

  test('a pool has the name that it was given, or one that no other has, and says it in its messages', async () => {
    const named = createPool({ name: 'my pool', maxWorkers: 1, maxQueued: 0, whenFull: 'reject' })
    expect(named.name).toBe('my pool')
    const gate = new Gate()
    const held = named.run(tasks.hold, [gate.dir, 'held'])
    await gate.begun('held')
    expect((await rejectionOf(named.run(tasks.add, [1, 2]))).message).toContain('my pool')
    gate.open()
    await held
    const names = [createPool(), createPool()].map(({ name }) => name)
    expect(new Set(names).size).toBe(2)
    for (const name of names) expect(name).toContain(boundary)
  })
}
