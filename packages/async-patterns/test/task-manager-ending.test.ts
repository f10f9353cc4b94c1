import { afterEach, describe, expect, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'
import { endAll, HeldTasks, managerWith } from './verify/held-tasks.ts'

afterEach(endAll)

function heldIn(options: Parameters<typeof managerWith>[0]) {
  const manager = managerWith(options)
  const held = new HeldTasks()
  const run = (name: string, more?: { signal?: AbortSignal; queueTimeout?: number }) =>
    observe(manager.run(held.task(name), more))
  return { manager, held, run }
}

const closed = { name: 'ClosedError', code: 'ERR_CLOSED' }

describe('pause and resume', () => {
  test('a paused manager takes tasks on and begins none; what runs goes on', async () => {
    const { manager, held, run } = heldIn({ maxConcurrent: 2 })
    const a = run('a')
    manager.pause()
    manager.pause()
    expect(manager.paused).toBe(true)
    run('b')
    run('c')
    held.end('a')
    await drain()
    expect([a.state, held.begun, manager.stats().queued]).toEqual(['fulfilled', ['a'], 2])
    manager.maxConcurrent = 5
    expect(held.begun).toEqual(['a'])
    manager.resume()
    await drain()
    expect([manager.paused, held.begun]).toEqual([false, ['a', 'b', 'c']])
  })

  test('a queued task can be cancelled, aborted and timed out while paused', async () => {
    const { manager, held, run } = heldIn({})
    manager.pause()
    const controller = new AbortController()
    const aborted = run('aborted', { signal: controller.signal })
    const late = run('late', { queueTimeout: 3 })
    const id = await manager.submitTask(held.task('cancelled'))
    controller.abort('enough')
    expect(manager.cancelTask(id, 'cancelled')).toBe(true)
    expect(await rejectionOf(manager.getTaskResult(id))).toBe('cancelled')
    // All have given up: it is idle although it is paused.
    await manager.onIdle()
    expect([aborted.reason, (late.reason as Error).name]).toEqual(['enough', 'TimeoutError'])
    manager.resume()
    expect(held.begun).toEqual([])
  })
})

describe('clear', () => {
  // A5
  test('drops all that has not begun, those that wait for room included; whoever waits for idle is told', async () => {
    const { manager, held, run } = heldIn({ maxConcurrent: 1, maxQueued: 1 })
    const [running, queued, waiting] = [run('running'), run('queued'), run('waiting')]
    const idle = observe(manager.onIdle())
    expect(manager.clear()).toBe(2)
    expect(manager.clear()).toBe(0)
    await drain()
    for (const { reason } of [queued, waiting]) expect(reason).toMatchObject({ code: 'ERR_TASK_DROPPED' })
    expect([running.state, idle.state]).toEqual(['pending', 'pending'])
    held.end('running')
    await drain()
    expect([running.state, idle.state]).toEqual(['fulfilled', 'fulfilled'])
    expect(manager.stats()).toMatchObject({ succeeded: 1, dropped: 2, queued: 0, waitingForRoom: 0 })
  })

  // A5
  test('of a paused manager makes it idle at once', async () => {
    const { manager, run } = heldIn({ maxQueued: 1 })
    manager.pause()
    run('a')
    run('b')
    const idle = observe(manager.onIdle())
    await drain()
    expect(idle.state).toBe('pending')
    expect(manager.clear()).toBe(2)
    await drain()
    expect(idle.state).toBe('fulfilled')
  })

  test('during drain lets drain resolve', async () => {
    const { manager, held, run } = heldIn({ maxConcurrent: 1 })
    run('a')
    run('b')
    const drained = observe(manager.drain())
    manager.clear()
    held.end('a')
    await drain()
    expect([drained.state, held.begun]).toEqual(['fulfilled', ['a']])
  })
})

describe('onIdle', () => {
  test('resolves at once when nothing is there, and else when the last has ended', async () => {
    const { manager, held, run } = heldIn({ maxConcurrent: 1 })
    await manager.onIdle({ timeout: 0 })
    run('a')
    run('b')
    const [idle, other] = [observe(manager.onIdle()), observe(manager.onIdle())]
    expect(await rejectionOf(manager.onIdle({ timeout: 0 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    const begun = performance.now()
    expect(await rejectionOf(manager.onIdle({ timeout: 10 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(performance.now() - begun).toBeGreaterThanOrEqual(10)
    const controller = new AbortController()
    const aborted = rejectionOf(manager.onIdle({ signal: controller.signal }))
    controller.abort('enough')
    expect(await aborted).toBe('enough')
    expect(await rejectionOf(manager.onIdle({ signal: controller.signal }))).toBe('enough')
    held.end('a')
    await drain()
    expect(idle.state).toBe('pending')
    held.fail('b', 'mine')
    await drain()
    expect([idle.state, other.state]).toEqual(['fulfilled', 'fulfilled'])
  })

  test('waits for the place of an aborted body, not for one that was abandoned', async () => {
    const { manager, run } = heldIn({ abortGrace: 10 })
    const controller = new AbortController()
    const aborted = run('a', { signal: controller.signal })
    const idle = observe(manager.onIdle())
    controller.abort('enough')
    await drain()
    expect([aborted.state, idle.state, manager.stats().running]).toEqual(['rejected', 'pending', 1])
    await manager.onIdle()
    expect(manager.stats()).toMatchObject({ running: 0, abandoned: 1, cancelled: 1 })
  })
})

describe('drain', () => {
  // A6
  test('lets all finish that was taken on, those that wait for room included, and refuses what comes later', async () => {
    const { manager, held, run } = heldIn({ maxConcurrent: 1, maxQueued: 1 })
    const all = [run('a'), run('b'), run('c')]
    const [drained, again] = [observe(manager.drain()), observe(manager.drain())]
    expect(await rejectionOf(manager.run(() => 1))).toMatchObject(closed)
    expect(await rejectionOf(manager.submitTask(() => 1))).toMatchObject(closed)
    expect(() => manager.map(() => 1, [1])).toThrow(expect.objectContaining(closed))
    for (const name of ['a', 'b', 'c']) {
      expect(drained.state).toBe('pending')
      held.end(name)
      await drain()
    }
    expect(all.map(({ value }) => value)).toEqual(['a', 'b', 'c'])
    expect([drained.state, again.state, manager.stats().refused]).toEqual(['fulfilled', 'fulfilled', 2])
    await manager.drain()
  })

  test('resumes a manager that is paused', async () => {
    const { manager, held, run } = heldIn({})
    manager.pause()
    const a = run('a')
    const drained = observe(manager.drain())
    expect(manager.paused).toBe(false)
    await drain()
    held.end('a')
    await drain()
    expect([a.state, drained.state]).toEqual(['fulfilled', 'fulfilled'])
  })

  test('results and failures that nobody took are there afterwards', async () => {
    const { manager } = heldIn({})
    const good = await manager.submitTask(() => 1)
    const bad = await manager.submitTask(() => Promise.reject('mine'))
    await manager.drain()
    expect(await manager.getTaskResult(good)).toBe(1)
    expect(await rejectionOf(manager.getTaskResult(bad))).toBe('mine')
  })

  test('a manager that leaves the scope of `await using` has let its tasks end', async () => {
    let result: Promise<string>
    {
      await using manager = managerWith()
      result = manager.run(async () => 'done')
    }
    expect(await result).toBe('done')
  })
})

describe('terminate', () => {
  // A6
  test('rejects at once all that waits or runs, aborts the signals, and resolves when the bodies have ended', async () => {
    const { manager, held, run } = heldIn({ maxConcurrent: 1, maxQueued: 1 })
    const all = [run('running'), run('queued'), run('waiting')]
    const id = observe(manager.submitTask(held.task('never')))
    const terminated = observe(manager.terminate('the end'))
    await drain()
    for (const { reason } of [...all, id]) expect(reason).toMatchObject({ ...closed, cause: 'the end' })
    expect(held.signal('running').reason).toBe(all[0]?.reason)
    expect([held.begun, terminated.state]).toEqual([['running'], 'pending'])
    held.end('running')
    await drain()
    expect(terminated.state).toBe('fulfilled')
    expect(manager.stats()).toMatchObject({ cancelled: 4, succeeded: 0, abandoned: 0, running: 0 })
    expect(await rejectionOf(manager.run(() => 1))).toMatchObject(closed)
    expect(() => manager.map(() => 1, [1])).toThrow(expect.objectContaining(closed))
  })

  test('results that were there, and the errors of what was ended, can still be taken', async () => {
    const { manager, held } = heldIn({ abortGrace: 0 })
    const good = await manager.submitTask(() => 1)
    const ended = await manager.submitTask(held.task('ended'))
    await manager.terminate()
    expect(await manager.getTaskResult(good)).toBe(1)
    expect(await rejectionOf(manager.getTaskResult(ended))).toMatchObject(closed)
    expect(manager.stats().abandoned).toBe(1)
  })

  test.each([
    ['drain', 'drain'],
    ['drain', 'terminate'],
    ['terminate', 'drain'],
    ['terminate', 'terminate'],
  ] as const)(
    '%s and then %s resolve, together or one after the other, used or not, paused or not',
    async (first, second) => {
      for (const used of [false, true])
        for (const paused of [false, true]) {
          const { manager, held, run } = heldIn({ maxConcurrent: 1, abortGrace: 1 })
          if (used) for (const name of ['a', 'b']) run(name)
          if (paused) manager.pause()
          const both = Promise.all([manager[first](), manager[second]()])
          held.endAll()
          expect(await both).toEqual([undefined, undefined])
          expect(await manager[second]()).toBeUndefined()
          expect(await manager[first]()).toBeUndefined()
        }
    },
  )

  test('called by a task, by a listener of its signal, and by a callback of a drop', async () => {
    const { manager, held, run } = heldIn({ maxConcurrent: 3, abortGrace: 5 })
    run('a')
    const own = observe(
      manager.run(({ signal }) => {
        signal.addEventListener('abort', () => void manager.terminate('again'))
        void manager.terminate('by the task')
        return 'too late'
      }),
    )
    await drain()
    expect(own.reason).toMatchObject({ ...closed, cause: 'by the task' })
    held.end('a')
    await manager.terminate()
    expect(manager.stats()).toMatchObject({ running: 0, cancelled: 2, succeeded: 0 })
  })

  // X20
  test('is quick with 10,000 tasks queued', async () => {
    const { manager, held } = heldIn({ maxConcurrent: 1, maxQueued: 5_000 })
    const all = Array.from({ length: 10_000 }, (_, i) => rejectionOf(manager.run(held.task(String(i)))))
    const begun = performance.now()
    const terminated = manager.terminate()
    expect(performance.now() - begun).toBeLessThan(1_000)
    held.end('0')
    await terminated
    expect(new Set((await Promise.all(all)).map((error) => (error as { code: string }).code))).toEqual(
      new Set(['ERR_CLOSED']),
    )
    expect(held.begun).toEqual(['0'])
  })
})
