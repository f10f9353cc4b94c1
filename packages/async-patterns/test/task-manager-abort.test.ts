import { getEventListeners } from 'node:events'
import { TimeoutError } from '@heddle/async-patterns'
import { afterEach, describe, expect, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'
import { endAll, HeldTasks, managerWith } from './verify/held-tasks.ts'

afterEach(endAll)

function heldIn(options: Parameters<typeof managerWith>[0]) {
  const manager = managerWith(options)
  const held = new HeldTasks()
  const run = (name: string, more?: Parameters<typeof manager.run<unknown>>[1]) =>
    observe(manager.run(held.task(name), more))
  return { manager, held, run }
}

const listenersOf = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

describe('a signal', () => {
  // A18
  test('that has aborted already: the task never runs, and takes no place', async () => {
    const { manager, held } = heldIn({ maxConcurrent: 1, maxQueued: 0 })
    const signal = AbortSignal.abort(new Error('before'))
    expect(await rejectionOf(manager.run(held.task('run'), { signal }))).toBe(signal.reason)
    expect(await rejectionOf(manager.submitTask(held.task('submitted'), { signal }))).toBe(signal.reason)
    expect(held.begun).toEqual([])
    expect(listenersOf(signal)).toBe(0)
    expect(manager.stats()).toMatchObject({ cancelled: 2, running: 0, waitTimes: { count: 0 } })
  })

  // A18
  test.each([
    ['queued', 1],
    ['waiting for room', 0],
  ])(
    'that aborts while the task is %s: it rejects at once with the very reason and never runs',
    async (_, maxQueued) => {
      const { manager, held, run } = heldIn({ maxConcurrent: 1, maxQueued })
      run('held')
      for (const reason of [new RangeError('mine'), 'text', null, 0]) {
        const controller = new AbortController()
        const task = run('never', { signal: controller.signal })
        expect(listenersOf(controller.signal)).toBe(1)
        controller.abort(reason)
        expect(manager.stats()).toMatchObject({ queued: 0, waitingForRoom: 0 })
        await drain()
        expect(task).toMatchObject({ state: 'rejected', reason })
        expect(listenersOf(controller.signal)).toBe(0)
      }
      held.end('held')
      await manager.onIdle()
      expect(held.begun).toEqual(['held'])
    },
  )

  test('that aborts while it runs: it rejects at once, its own signal has the reason, the place stays taken', async () => {
    const { manager, held, run } = heldIn({ maxConcurrent: 1 })
    const controller = new AbortController()
    const task = run('a', { signal: controller.signal })
    const next = run('b')
    const { signal } = { signal: held.signal('a') }
    expect(signal).not.toBe(controller.signal)
    controller.abort('enough')
    expect([signal.aborted, signal.reason]).toEqual([true, 'enough'])
    await drain()
    expect([task.reason, next.state, manager.stats().running]).toEqual(['enough', 'pending', 1])
    held.fail('a', new Error('of the clean-up, which nobody asks for'))
    await drain()
    expect(held.begun).toEqual(['a', 'b'])
    expect(manager.stats()).toMatchObject({ cancelled: 1, failed: 0, succeeded: 0, abandoned: 0 })
  })

  test('of the context, looked at first when it has aborted, is aborted', async () => {
    const { held, run } = heldIn({})
    const controller = new AbortController()
    run('a', { signal: controller.signal })
    controller.abort('late')
    expect([held.signal('a').aborted, held.signal('a').reason]).toEqual([true, 'late'])
  })

  test.each(['abort, then end', 'end, then abort'])('in the turn of the completion: %s settles once', async (order) => {
    const { manager, held, run } = heldIn({ maxConcurrent: 1 })
    const controller = new AbortController()
    const task = run('a', { signal: controller.signal })
    const steps = [() => controller.abort('enough'), () => held.end('a')]
    for (const step of order === 'abort, then end' ? steps : steps.reverse()) step()
    await drain()
    // The completion is known a turn of promises after it, so the abort comes before it either way.
    expect(task).toMatchObject({ state: 'rejected', reason: 'enough' })
    expect(manager.stats()).toMatchObject({ cancelled: 1, succeeded: 0, running: 0 })
    expect(listenersOf(controller.signal)).toBe(0)
  })

  // X16
  test('that aborts after the end changes nothing', async () => {
    const { manager, held, run } = heldIn({ maxConcurrent: 1 })
    const controller = new AbortController()
    const task = run('a', { signal: controller.signal })
    held.end('a')
    await drain()
    controller.abort()
    await drain()
    expect(task).toMatchObject({ state: 'fulfilled', value: 'a' })
    expect(held.signal('a').aborted).toBe(false)
    expect(manager.stats()).toMatchObject({ succeeded: 1, cancelled: 0 })
  })

  test('that aborts its own running body, which then returns: one place is freed', async () => {
    const { manager, held, run } = heldIn({ maxConcurrent: 2 })
    const controller = new AbortController()
    const body = () => {
      controller.abort('by itself')
      return 'too late'
    }
    expect(await rejectionOf(manager.run(body, { signal: controller.signal }))).toBe('by itself')
    for (const name of ['a', 'b', 'c']) run(name)
    await drain()
    expect([held.begun, manager.stats().running]).toEqual([['a', 'b'], 2])
  })

  test('one abort of all: those behind an aborted one do not begin in between', async () => {
    const { held, manager, run } = heldIn({ maxConcurrent: 1 })
    const { signal, abort } = ((controller) => ({ signal: controller.signal, abort: () => controller.abort('all') }))(
      new AbortController(),
    )
    run('a', { signal })
    for (const name of ['b', 'c', 'd']) run(name, { signal })
    signal.addEventListener('abort', () => run('e'))
    abort()
    held.end('a')
    await drain()
    expect(held.begun).toEqual(['a', 'e'])
    expect(manager.stats().cancelled).toBe(4)
  })

  test('one abort of a heavy head and of the light one behind it: that does not begin in between', async () => {
    const { held, run } = heldIn({ maxConcurrent: 2 })
    const controller = new AbortController()
    run('a')
    run('heavy', { weight: 2, signal: controller.signal })
    const light = run('light', { signal: controller.signal })
    await drain()
    controller.abort('all')
    await drain()
    expect([held.begun, light.reason]).toEqual([['a'], 'all'])
  })

  test('20,000 tasks on one signal hang on one listener, and one abort ends them quickly', async () => {
    const { manager, held } = heldIn({ maxConcurrent: 1, maxQueued: Number.POSITIVE_INFINITY })
    const controller = new AbortController()
    // Processor time: others may have the machine meanwhile.
    const begun = process.cpuUsage()
    const all = Array.from({ length: 20_000 }, () =>
      rejectionOf(manager.run(held.task('held'), { signal: controller.signal })),
    )
    expect(listenersOf(controller.signal)).toBe(1)
    controller.abort('enough')
    expect(new Set(await Promise.all(all))).toEqual(new Set(['enough']))
    const { user, system } = process.cpuUsage(begun)
    expect((user + system) / 1_000).toBeLessThan(2_000)
    expect(listenersOf(controller.signal)).toBe(0)
    expect(held.begun).toEqual(['held'])
  })
})

describe('cancelTask', () => {
  // X16, and fault 8: there was no way to cancel
  test('cancels queued and running tasks, and says false for settled, taken and unknown ones', async () => {
    const { manager, held } = heldIn({ maxConcurrent: 1 })
    const [running, queued] = [await manager.submitTask(held.task('a')), await manager.submitTask(held.task('b'))]
    expect([manager.cancelTask(queued), manager.cancelTask(queued)]).toEqual([true, false])
    expect([manager.cancelTask(running, 'mine'), manager.cancelTask(running)]).toEqual([true, false])
    expect(await rejectionOf(manager.getTaskResult(running))).toBe('mine')
    expect(await rejectionOf(manager.getTaskResult(queued))).toMatchObject({ name: 'AbortError' })
    expect(held.signal('a').reason).toBe('mine')
    const done = await manager.submitTask(() => 1)
    held.end('a')
    await manager.onIdle()
    expect([done, queued, 'async_task_99'].map((id) => manager.cancelTask(id))).toEqual([false, false, false])
    expect(await manager.getTaskResult(done)).toBe(1)
    expect(manager.stats()).toMatchObject({ cancelled: 2, succeeded: 1 })
  })

  test('with a TimeoutError as its reason is a cancel in the statistics', async () => {
    const { manager, held } = heldIn({ abortGrace: 0 })
    const id = await manager.submitTask(held.task('a'))
    manager.cancelTask(id, new TimeoutError('of something else'))
    expect(manager.stats()).toMatchObject({ cancelled: 1, timedOut: 0 })
  })
})
