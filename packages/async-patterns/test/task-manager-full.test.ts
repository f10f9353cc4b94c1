import type { AsyncTaskManager, AsyncTaskManagerOptions, DroppedTask, TaskOptions } from '@heddle/async-patterns'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'
import { endAll, HeldTasks, managerWith } from './verify/held-tasks.ts'

afterEach(endAll)

/** A manager of one place, which is taken by the task `held`. */
function full(options: AsyncTaskManagerOptions) {
  const dropped: DroppedTask[] = []
  const onDropped = (task: DroppedTask) => void dropped.push(task)
  const manager = managerWith({ maxConcurrent: 1, onDropped, ...options })
  const held = new HeldTasks()
  const run = (name: string, more?: TaskOptions) => observe(manager.run(held.task(name), more))
  run('held')
  /** Lets all that began end, until nothing is left. */
  const finish = async () => {
    for (let ended = 0; ended < held.begun.length; ended++) {
      held.end(held.begun[ended] as string)
      await drain()
    }
  }
  return { manager, held, run, dropped, finish }
}

const droppedError = { name: 'TaskError', code: 'ERR_TASK_DROPPED' }

// A19
describe('when the queue is full', () => {
  test('wait: all are run, in the order they came, as there is room', async () => {
    const { manager, held, run, finish } = full({ maxQueued: 2 })
    for (const name of ['a', 'b', 'c', 'd']) run(name)
    expect(manager.stats()).toMatchObject({ running: 1, queued: 2, waitingForRoom: 2 })
    held.end('held')
    await drain()
    expect(manager.stats()).toMatchObject({ running: 1, queued: 2, waitingForRoom: 1 })
    await finish()
    expect(held.begun).toEqual(['held', 'a', 'b', 'c', 'd'])
    expect(manager.stats()).toMatchObject({ succeeded: 5, dropped: 0, refused: 0, waitingForRoom: 0 })
  })

  test('wait: of those that wait for room the one of the highest priority comes in first', async () => {
    const { held, run, finish } = full({ maxQueued: 1 })
    run('queued')
    run('low', { priority: -1 })
    run('high', { priority: 5 })
    run('high too', { priority: 5 })
    await finish()
    expect(held.begun).toEqual(['held', 'queued', 'high', 'high too', 'low'])
  })

  test('reject: the new one is refused and handed its arguments back', async () => {
    const { manager, held, run, dropped, finish } = full({ maxQueued: 1, whenFull: 'reject' })
    run('queued')
    const args = [1, 'two'] as const
    const error = await rejectionOf(manager.run((...all: readonly unknown[]) => all, args))
    expect(error).toMatchObject({ name: 'QueueFullError', code: 'ERR_TIMEOUT', item: args })
    expect((error as { item: unknown }).item).toBe(args)
    expect(await rejectionOf(manager.submitTask(() => 1))).toMatchObject({ name: 'QueueFullError', item: undefined })
    expect(manager.stats()).toMatchObject({ refused: 2, dropped: 0, queued: 1 })
    expect(dropped).toEqual([])
    expect(await manager.waitForAllTasks()).toEqual(new Map())
    await finish()
    expect(held.begun).toEqual(['held', 'queued'])
  })

  test('drop-oldest: the oldest of the lowest priority goes', async () => {
    const { manager, held, run, dropped, finish } = full({ maxQueued: 3, whenFull: 'drop-oldest' })
    const low = run('low', { priority: -1 })
    const [a, b] = [run('a'), run('b')]
    run('c')
    await drain()
    expect(low.reason).toMatchObject(droppedError)
    run('urgent', { priority: 1 })
    await drain()
    expect([a.state, b.state]).toEqual(['rejected', 'pending'])
    expect(manager.stats()).toMatchObject({ queued: 3, dropped: 2 })
    expect(dropped.map(({ id, args, error }) => [id, args, error.message])).toEqual(
      [low, a].map(({ reason }) => [undefined, undefined, (reason as Error).message]),
    )
    await finish()
    expect(held.begun).toEqual(['held', 'urgent', 'b', 'c'])
  })

  test('drop-oldest: the new one goes if it has a lower priority than all', async () => {
    const { held, run, dropped, finish } = full({ maxQueued: 2, whenFull: 'drop-oldest' })
    run('a')
    run('b')
    const low = run('low', { priority: -1 })
    await drain()
    expect(low.reason).toMatchObject(droppedError)
    expect(dropped).toHaveLength(1)
    await finish()
    expect(held.begun).toEqual(['held', 'a', 'b'])
  })

  test('drop-newest: the new one goes, whatever its priority', async () => {
    const { manager, held, run, dropped, finish } = full({ maxQueued: 1, whenFull: 'drop-newest' })
    run('a')
    const urgent = run('urgent', { priority: 9 })
    const id = await manager.submitTask((n: number) => n, [7])
    expect(urgent.reason).toMatchObject(droppedError)
    expect(await rejectionOf(manager.getTaskResult(id))).toMatchObject(droppedError)
    expect(dropped.map(({ id: of, args }) => [of, args])).toEqual([
      [undefined, undefined],
      [id, [7]],
    ])
    await finish()
    expect(held.begun).toEqual(['held', 'a'])
    expect(manager.stats()).toMatchObject({ dropped: 2, succeeded: 2 })
  })

  test('when a heavy head is dropped, lighter ones that fit begin at once', async () => {
    const { manager, held, run, finish } = full({ maxConcurrent: 2, maxQueued: 2, whenFull: 'drop-oldest' })
    const heavy = run('heavy', { weight: 2 })
    run('light')
    run('last')
    await drain()
    expect(held.begun).toEqual(['held', 'light'])
    expect(heavy.reason).toMatchObject(droppedError)
    await finish()
    expect(manager.stats()).toMatchObject({ succeeded: 3, dropped: 1 })
  })

  test.each([
    ['wait', ['held', 'a', 'b'], { waitingForRoom: 2, refused: 0, dropped: 0 }],
    ['reject', ['held'], { waitingForRoom: 0, refused: 2, dropped: 0 }],
    ['drop-oldest', ['held'], { waitingForRoom: 0, refused: 0, dropped: 2 }],
    ['drop-newest', ['held'], { waitingForRoom: 0, refused: 0, dropped: 2 }],
  ] as const)('maxQueued 0 and %s: nothing is queued, ever', async (whenFull, begun, stats) => {
    const { manager, held, run, finish } = full({ maxQueued: 0, whenFull })
    run('a')
    run('b')
    expect(manager.stats()).toMatchObject({ queued: 0, ...stats })
    await finish()
    expect(held.begun).toEqual(begun)
    run('next')
    expect(held.begun.at(-1)).toBe('next')
  })

  test('maxQueued 0 and wait: urgent ones come first, and one that does not fit is not passed', async () => {
    const { manager, held, run, finish } = full({ maxConcurrent: 2, maxQueued: 0 })
    run('heavy', { weight: 2 })
    run('light')
    run('urgent', { priority: 1 })
    await drain()
    expect(held.begun).toEqual(['held', 'urgent'])
    expect(manager.stats()).toMatchObject({ queued: 0, waitingForRoom: 2 })
    await finish()
    expect(held.begun).toEqual(['held', 'urgent', 'heavy', 'light'])
  })
})

describe('submitTask is back-pressure', () => {
  test('it resolves when the task is in the queue or begins, and not before', async () => {
    const { manager, held, finish } = full({ maxQueued: 1 })
    const ids = ['a', 'b', 'c'].map((name) => observe(manager.submitTask(held.task(name))))
    await drain()
    expect(ids.map(({ state }) => state)).toEqual(['fulfilled', 'pending', 'pending'])
    held.end('held')
    await drain()
    expect(ids.map(({ state }) => state)).toEqual(['fulfilled', 'fulfilled', 'pending'])
    await finish()
    const rows = await manager.waitForAllTasks()
    expect([...rows.keys()]).toEqual(ids.map(({ value }) => value))
    expect([...rows.values()].map((row) => row.status === 'success' && row.result)).toEqual(['a', 'b', 'c'])
  })

  test('what gives up while it waits for room was never submitted: submitTask itself rejects', async () => {
    const { manager, held, run } = full({ maxQueued: 1 })
    run('queued')
    const controller = new AbortController()
    const aborted = rejectionOf(manager.submitTask(held.task('aborted'), { signal: controller.signal }))
    const timedOut = rejectionOf(manager.submitTask(held.task('late'), { queueTimeout: 5 }))
    const cleared = rejectionOf(manager.submitTask(held.task('cleared')))
    controller.abort('enough')
    expect(await aborted).toBe('enough')
    expect(await timedOut).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(manager.clear()).toBe(2)
    expect(await cleared).toMatchObject(droppedError)
    expect(await manager.waitForAllTasks()).toEqual(new Map())
    expect(manager.stats()).toMatchObject({ waitingForRoom: 0, queued: 0, cancelled: 1, timedOut: 1, dropped: 2 })
  })

  test('a producer that awaits it holds no more than the bound, however much it produces', async () => {
    const manager = managerWith({ maxConcurrent: 2, maxQueued: 3, maxResults: 5 })
    let most = 0
    for (let i = 0; i < 200; i++) {
      await manager.submitTask(async () => drain())
      const { running, queued, waitingForRoom } = manager.stats()
      most = Math.max(most, running + queued + waitingForRoom)
    }
    expect(most).toBe(5)
    await manager.drain()
    expect(manager.stats()).toMatchObject({ succeeded: 200, droppedResults: 195 })
  })
})

// A25
describe('a user callback that throws', () => {
  test('onDropped: it is an uncaught exception, and the manager goes on', async () => {
    const later = jest.spyOn(globalThis, 'queueMicrotask').mockImplementation(() => undefined)
    const error = new Error('of onDropped')
    const manager = managerWith({
      maxConcurrent: 1,
      maxQueued: 1,
      whenFull: 'drop-oldest',
      onDropped: () => {
        throw error
      },
    })
    const held = new HeldTasks()
    const all = ['a', 'b', 'c'].map((name) => observe(manager.run(held.task(name))))
    await drain()
    held.end('a')
    await drain()
    held.end('c')
    await drain()
    expect(all.map(({ state }) => state)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(later).toHaveBeenCalledTimes(1)
    expect(later.mock.calls[0]?.[0]).toThrow(error)
    later.mockRestore()
  })

  test('onDropped may submit, clear and terminate: nothing is lost or settled twice', async () => {
    const outcomes: string[] = []
    const manager: AsyncTaskManager = managerWith({
      maxConcurrent: 1,
      maxQueued: 2,
      whenFull: 'drop-oldest',
      onDropped: () => {
        if (outcomes.push('dropped') === 1)
          void rejectionOf(manager.run(() => 'again')).then(() => outcomes.push('again'))
        else void manager.terminate()
      },
    })
    const held = new HeldTasks()
    const all = ['a', 'b', 'c', 'd'].map((name) => observe(manager.run(held.task(name))))
    await drain()
    expect(all.map(({ state }) => state)).toEqual(['rejected', 'rejected', 'rejected', 'rejected'])
    expect(outcomes).toEqual(['dropped', 'dropped', 'again'])
    held.end('a')
    await manager.onIdle()
    expect(manager.stats()).toMatchObject({ running: 0, queued: 0 })
  })
})
