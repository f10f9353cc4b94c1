import { type CompletedTask, TaskError } from '@heddle/async-patterns'
import { afterEach, describe, expect, test } from '@jest/globals'
import { drain, observe, rejectionOf } from './support/observe.js'
import { endAll, HeldTasks, managerWith } from './verify/held-tasks.ts'

afterEach(endAll)

/** A manager and a way to submit held tasks by their names. */
function table(options: Parameters<typeof managerWith>[0] = {}) {
  const manager = managerWith(options)
  const held = new HeldTasks()
  const submit = (...names: string[]) => Promise.all(names.map((name) => manager.submitTask(held.task(name))))
  return { manager, held, submit }
}

const unknownTask = { name: 'TaskError', code: 'ERR_UNKNOWN_TASK' }

describe('getTaskResult', () => {
  test('a result is taken once: afterwards, as for an id that never was, the task is unknown', async () => {
    const { manager } = table()
    const id = await manager.submitTask(() => 3)
    expect(await manager.getTaskResult(id)).toBe(3)
    for (const unknown of [id, 'async_task_99', '']) {
      expect(await rejectionOf(manager.getTaskResult(unknown))).toMatchObject(unknownTask)
      expect(await rejectionOf(manager.getTaskResult(unknown))).toBeInstanceOf(TaskError)
    }
  })

  // X15, and fault 3 of a table that forgets what another still waits for
  test('two that wait for one id both get its result, and a failure rejects both with the same error', async () => {
    const { manager, held, submit } = table()
    const [good = '', bad = ''] = await submit('good', 'bad')
    const all = Promise.allSettled([good, good, bad, bad].map((id) => manager.getTaskResult(id)))
    const error = new Error('mine')
    held.end('good')
    held.fail('bad', error)
    expect(await all).toEqual([
      { status: 'fulfilled', value: 'good' },
      { status: 'fulfilled', value: 'good' },
      { status: 'rejected', reason: error },
      { status: 'rejected', reason: error },
    ])
    expect(await rejectionOf(manager.getTaskResult(good))).toMatchObject(unknownTask)
  })

  // fault 4: a wait that ends early must not cancel the task
  test('a wait that times out or is aborted leaves the task alone: ask again and it is there', async () => {
    const { manager, held, submit } = table()
    const [id = ''] = await submit('held')
    const begun = performance.now()
    expect(await rejectionOf(manager.getTaskResult(id, { timeout: 15 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(performance.now() - begun).toBeGreaterThanOrEqual(15)
    expect(await rejectionOf(manager.getTaskResult(id, { timeout: 0 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    const controller = new AbortController()
    const aborted = rejectionOf(manager.getTaskResult(id, { signal: controller.signal }))
    controller.abort('enough')
    expect(await aborted).toBe('enough')
    expect(await rejectionOf(manager.getTaskResult(id, { signal: controller.signal }))).toBe('enough')
    expect(held.signal('held').aborted).toBe(false)
    held.end('held')
    await drain()
    expect(await manager.getTaskResult(id, { timeout: 0 })).toBe('held')
  })

  test('a wait that is aborted in the turn of the result leaves it for the next', async () => {
    const { manager, held, submit } = table()
    const [id = ''] = await submit('held')
    const controller = new AbortController()
    controller.signal.addEventListener('abort', () => held.end('held'))
    const aborted = rejectionOf(manager.getTaskResult(id, { signal: controller.signal }))
    controller.abort('enough')
    expect(await aborted).toBe('enough')
    expect(await manager.getTaskResult(id)).toBe('held')
  })
})

describe('maxResults', () => {
  test('of more untaken results the one that settled first is dropped, and counted', async () => {
    const { manager, held, submit } = table({ maxResults: 2 })
    const [a = '', b = '', c = '', pending = ''] = await submit('a', 'b', 'c', 'pending')
    for (const name of ['c', 'a', 'b']) {
      held.end(name)
      await drain()
    }
    expect(manager.stats().droppedResults).toBe(1)
    expect(await rejectionOf(manager.getTaskResult(c))).toMatchObject(unknownTask)
    expect(await Promise.all([a, b].map((id) => manager.getTaskResult(id)))).toEqual(['a', 'b'])
    held.end('pending')
    expect(await manager.getTaskResult(pending)).toBe('pending')
    expect(manager.stats().droppedResults).toBe(1)
  })

  test.each([0, 1])(
    'with %p, whoever waits already gets the result, and it pushes no other out',
    async (maxResults) => {
      const { manager, held, submit } = table({ maxResults })
      const [kept = '', ...awaited] = await submit('kept', 'a', 'b', 'c')
      held.end('kept')
      await drain()
      const results = Promise.all(awaited.map((id) => manager.getTaskResult(id)))
      held.end('a', 'b', 'c')
      expect(await results).toEqual(['a', 'b', 'c'])
      expect(manager.stats().droppedResults).toBe(1 - maxResults)
      const last = observe(manager.getTaskResult(kept))
      await drain()
      expect(last.state).toBe(maxResults === 0 ? 'rejected' : 'fulfilled')
    },
  )

  // fault 2: failures that nobody fetched stayed for ever
  test('failures count as results: however many there are, maxResults of them stay', async () => {
    const { manager } = table({ maxResults: 3 })
    for (let i = 0; i < 50; i++) await manager.submitTask(() => Promise.reject(new Error(String(i))))
    await manager.onIdle()
    const rows = await manager.waitForAllTasks()
    expect([...rows.values()].map((row) => row.status === 'error' && (row.error as Error).message)).toEqual([
      '47',
      '48',
      '49',
    ])
    expect(manager.stats()).toMatchObject({ droppedResults: 47, failed: 50 })
  })
})

describe('waitForAllTasks', () => {
  // fault 5: one cancelled task made the wait throw and lost all results; fault 7: errors came as their text
  test('gives a row for each, in the order of submission: results, errors as themselves, cancelled ones', async () => {
    const { manager, held, submit } = table()
    const [good, bad, cancelled = ''] = await submit('good', 'bad', 'cancelled')
    const error = Object.assign(new RangeError('user'), { code: 'E_USER' })
    held.fail('bad', error)
    expect(manager.cancelTask(cancelled, 'not needed')).toBe(true)
    held.end('good')
    const rows = await manager.waitForAllTasks()
    expect([...rows]).toEqual([
      [good, { status: 'success', result: 'good' }],
      [bad, { status: 'error', error }],
      [cancelled, { status: 'error', error: 'not needed' }],
    ])
    expect(await manager.waitForAllTasks()).toEqual(new Map())
  })

  test('is in the order of submission although an urgent task was let in first', async () => {
    const { manager, held } = table({ maxConcurrent: 1, maxQueued: 1 })
    const submit = (name: string, priority: number) => manager.submitTask(held.task(name), { priority })
    const ids = [submit('a', 0), submit('b', 0), submit('late', 0), submit('urgent', 1)]
    for (const name of ['a', 'b', 'urgent', 'late']) {
      await drain()
      held.end(name)
    }
    expect(await Promise.all(ids)).toEqual([...(await manager.waitForAllTasks()).keys()])
  })

  // fault 6: submitting during the wait broke it, and clear() lost the new ones
  test('what is submitted meanwhile is neither awaited nor lost', async () => {
    const { manager, held, submit } = table()
    const [first] = await submit('first')
    const waiting = manager.waitForAllTasks()
    const [later = ''] = await submit('later')
    held.end('first')
    expect([...(await waiting).keys()]).toEqual([first])
    held.end('later')
    expect(await manager.getTaskResult(later)).toBe('later')
  })

  test('has one deadline for all: what is not done is pending, and stays to be asked for', async () => {
    const { manager, held, submit } = table()
    const [a, b, c] = await submit('a', 'b', 'c')
    held.end('b')
    const begun = performance.now()
    const rows = await manager.waitForAllTasks({ timeout: 15 })
    expect(performance.now() - begun).toBeGreaterThanOrEqual(15)
    expect([...rows]).toEqual([
      [a, { status: 'pending' }],
      [b, { status: 'success', result: 'b' }],
      [c, { status: 'pending' }],
    ])
    expect([...(await manager.waitForAllTasks({ timeout: 0 })).keys()]).toEqual([a, c])
    held.end('a', 'c')
    expect([...(await manager.waitForAllTasks()).keys()]).toEqual([a, c])
  })

  test('a signal that aborts takes nothing', async () => {
    const { manager, held, submit } = table()
    const [a = '', b = ''] = await submit('a', 'b')
    held.end('a')
    const controller = new AbortController()
    const waiting = rejectionOf(manager.waitForAllTasks({ signal: controller.signal }))
    await drain()
    controller.abort('enough')
    expect(await waiting).toBe('enough')
    expect(await rejectionOf(manager.waitForAllTasks({ signal: controller.signal }))).toBe('enough')
    held.end('b')
    expect(await Promise.all([manager.getTaskResult(a), manager.getTaskResult(b)])).toEqual(['a', 'b'])
  })

  test('two that wait at a time both get all rows', async () => {
    const { manager, held, submit } = table()
    const [id] = await submit('a')
    const both = Promise.all([manager.waitForAllTasks(), manager.waitForAllTasks()])
    held.end('a')
    expect((await both).map((rows) => [...rows.keys()])).toEqual([[id], [id]])
  })
})

describe('asCompleted', () => {
  test('takes tasks as they settle, those submitted meanwhile included, until none is left', async () => {
    const { manager, held, submit } = table()
    const [a, b] = await submit('a', 'b')
    const seen: CompletedTask[] = []
    const all = (async () => {
      for await (const task of manager.asCompleted()) {
        seen.push(task)
        if (seen.length === 1) await submit('c')
      }
    })()
    held.end('b')
    await drain()
    expect(seen).toEqual([{ id: b, status: 'success', result: 'b' }])
    held.fail('a', 'mine')
    held.end('c')
    await all
    expect(seen.slice(1)).toMatchObject([{ id: a, status: 'error', error: 'mine' }, { result: 'c' }])
    expect(await manager.waitForAllTasks()).toEqual(new Map())
  })

  test('ends when others take what it waits for', async () => {
    const { manager, held, submit } = table()
    const [id = ''] = await submit('a')
    const next = manager.asCompleted().next()
    await drain()
    const taken = manager.getTaskResult(id)
    held.end('a')
    expect(await taken).toBe('a')
    expect(await next).toEqual({ done: true, value: undefined })
  })

  test('two of them share the tasks: each is given once', async () => {
    const { manager, held, submit } = table()
    await submit('a', 'b', 'c')
    const collect = async () => {
      const names: unknown[] = []
      for await (const task of manager.asCompleted()) if (task.status === 'success') names.push(task.result)
      return names
    }
    const both = Promise.all([collect(), collect()])
    await drain()
    held.end('a', 'b', 'c')
    expect(new Set((await both).flat())).toEqual(new Set(['a', 'b', 'c']))
  })

  test('throws when its time is over or its signal aborts; what was not yielded stays', async () => {
    const { manager, held, submit } = table()
    const [a, b = ''] = await submit('a', 'b')
    const tasks = manager.asCompleted({ timeout: 15 })
    held.end('a')
    expect(await tasks.next()).toMatchObject({ value: { id: a } })
    expect(await rejectionOf(tasks.next())).toMatchObject({ code: 'ERR_TIMEOUT' })
    const controller = new AbortController()
    const aborted = rejectionOf(manager.asCompleted({ signal: controller.signal }).next())
    await drain()
    controller.abort('enough')
    expect(await aborted).toBe('enough')
    held.end('b')
    expect(await manager.getTaskResult(b)).toBe('b')
  })
})

test('ids are never given twice, and a failure that nobody takes is no unhandled rejection', async () => {
  const { manager } = table()
  const unhandled: unknown[] = []
  const note = (reason: unknown) => unhandled.push(reason)
  process.on('unhandledRejection', note)
  const ids = await Promise.all(
    Array.from({ length: 100 }, () => manager.submitTask(() => Promise.reject(new Error('untaken')))),
  )
  manager.cancelTask(await manager.submitTask(() => new Promise(() => undefined)))
  await drain()
  await drain()
  process.off('unhandledRejection', note)
  expect(new Set(ids).size).toBe(100)
  expect(unhandled).toEqual([])
})
