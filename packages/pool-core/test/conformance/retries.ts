import { expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { range } from '../support/inputs.js'
import { rejectionOf, thrownBy } from '../support/observe.js'
import type { Kit } from './kit.js'
import { withPolicyOf } from './policies.js'
import type { Item } from './task-functions.mjs'

export function retries(kit: Kit): void {
  const { createPool, sharedPool, tasks, boundary } = kit
  const withPolicy = withPolicyOf(kit)
  const idempotent = { idempotent: true }

  test('an idempotent task whose worker ends under it runs again, twice at most, and can know the attempt', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const exitUntil = withPolicy('exitUntil', idempotent)
    expect(await pool.run(exitUntil, [3])).toBe(3)
    const id = await pool.submitTask(exitUntil, [2])
    expect(await pool.getTaskResult(id)).toBe(2)
    expect(pool.stats()).toMatchObject({ crashes: 3, succeeded: 2, failed: 0 })
    const error = await rejectionOf(pool.run(exitUntil, [4]))
    expect([error.name, error.code]).toEqual(['TaskError', 'ERR_POISON_TASK'])
    expect(error.message).toContain('exitUntil')
    expect(error.cause).toMatchObject({
      name: 'BrokenError',
      code: 'ERR_WORKER_CRASHED',
      exitCode: 9,
      began: true,
      attempt: 3,
    })
    expect(await pool.run(tasks.attempt, [])).toBe(1)
  })

  test('an item of a map whose worker ends under it runs again, and can know the attempt', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const exitUntil = withPolicy('exitUntil', idempotent)
    expect(await pool.map(exitUntil, [2]).toArray()).toEqual([2])
    expect(await pool.map(exitUntil, [3, 2]).toArray()).toEqual([3, 2])
    expect((await rejectionOf(pool.map(exitUntil, [4]).toArray())).code).toBe('ERR_POISON_TASK')
  })

  test('retries.crashes of the task or of the run says how often: with 0 the crash itself is the error', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const never = withPolicy('exitUntil', { idempotent: true, retries: { crashes: 0 } })
    expect(await rejectionOf(pool.run(never, [2]))).toMatchObject({ code: 'ERR_WORKER_CRASHED', attempt: 1 })
    expect(await pool.run(never, [2], { retries: { crashes: 1 } })).toBe(2)
    expect((await rejectionOf(pool.run(never, [3], { retries: { crashes: 1 } }))).code).toBe('ERR_POISON_TASK')
  })

  test('retries.errors and retries.timeouts run it again after each; the last error is the one that is told', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    const failUntil = withPolicy('failUntil', idempotent)
    expect(await rejectionOf(pool.run(failUntil, [2]))).toMatchObject({ name: 'RangeError', message: 'attempt 1' })
    expect(await pool.run(failUntil, [3], { retries: { errors: 2 } })).toBe(3)
    const failed = await rejectionOf(pool.run(failUntil, [9], { retries: { errors: 2 } }))
    expect(failed).toMatchObject({ name: 'RangeError', message: 'attempt 3' })
    const spinUntil = withPolicy('spinUntil', idempotent)
    expect(await pool.run(spinUntil, [gate.dir, 2], { timeout: 300, retries: { timeouts: 1 } })).toBe(2)
    expect(gate.log()).toEqual(['1', '2'])
    const late = pool.run(spinUntil, [gate.dir, 9], { timeout: 300, retries: { timeouts: 1, errors: 5 } })
    expect((await rejectionOf(late)).code).toBe('ERR_TIMEOUT')
    expect(gate.log()).toEqual(['1', '2', '1', '2'])
    expect(pool.stats()).toMatchObject({ succeeded: 2, failed: 2, timedOut: 1, crashes: 0 })
  })

  test('short runs and the items of a map are run again after an error as well, each by itself', async () => {
    const pool = sharedPool(2)
    const failUntil = withPolicy('failUntil', { idempotent: true, retries: { errors: 2 } })
    for (const _ of range(20)) await pool.run(failUntil, [1])
    expect(await Promise.all(range(200).map((n) => pool.run(failUntil, [1 + (n % 3)])))).toEqual(
      range(200).map((n) => 1 + (n % 3)),
    )
    for (const chunkSize of [1, 10]) {
      const items = range(40).map((n) => 1 + (n % 3))
      expect(await pool.map(failUntil, items, { chunkSize }).toArray()).toEqual(items)
    }
    const hopeless = pool.map(failUntil, [1, 2, 9, 1], { chunkSize: 4 })
    expect([(await hopeless.next()).value, (await hopeless.next()).value]).toEqual([1, 2])
    expect((await rejectionOf(hopeless.next())).message).toBe('attempt 3')
  })

  test('a task that is not idempotent has no retries: neither its definition nor a run may ask for them', async () => {
    const pool = sharedPool(1)
    const policies = [{ crashes: 1 }, { errors: 1 }, { timeouts: 1 }].map((counts) => ({ retries: counts }))
    for (const policy of policies) {
      const defined = thrownBy(() => withPolicy('exitUntil', policy))
      expect([defined.name, defined.code]).toEqual(['TypeError', 'ERR_INVALID_ARG'])
      expect(defined.message).toContain('idempotent')
      const run = await rejectionOf(pool.run(tasks.exitUntil, [1], policy))
      expect([run.name, run.code]).toEqual(['TypeError', 'ERR_INVALID_ARG'])
    }
    expect(await pool.run(tasks.exitUntil, [1], { retries: { crashes: 0 } })).toBe(1)
    for (const crashes of [-1, 1.5, Number.NaN]) {
      expect(thrownBy(() => withPolicy('exitUntil', { ...idempotent, retries: { crashes } })).code).toBe(
        'ERR_OUT_OF_RANGE',
      )
      expect((await rejectionOf(pool.run(tasks.exitUntil, [1], { retries: { crashes } }))).code).toBe(
        'ERR_OUT_OF_RANGE',
      )
    }
  })

  test('the crash of a task that is not idempotent says that it began, where, how often and how long', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const [pid, thread] = (await pool.run(tasks.worker, [])).split('/').map(Number)
    const begun = performance.now()
    const error = await rejectionOf(pool.run(tasks.exit, [7]))
    const took = performance.now() - begun
    expect(error).toMatchObject({ name: 'BrokenError', began: true, attempt: 1, exitCode: 7, signal: undefined })
    expect(error).toMatchObject(
      boundary === 'thread' ? { threadId: thread, pid: undefined } : { threadId: undefined, pid },
    )
    const { waitMs, runMs } = error as unknown as { waitMs: number; runMs: number }
    expect(waitMs).toBeGreaterThanOrEqual(0)
    expect(runMs).toBeGreaterThan(0)
    expect(waitMs + runMs).toBeLessThanOrEqual(took)
  })

  test.each([
    ['not idempotent', undefined, 'ERR_WORKER_CRASHED'],
    ['idempotent', idempotent, 'ERR_POISON_TASK'],
    ['idempotent and not retried', { idempotent: true, retries: { crashes: 0 } }, 'ERR_WORKER_CRASHED'],
  ] as const)(
    'of 300 short runs at once that are %s exactly the one that ends its worker rejects',
    async (_, policy, code) => {
      const pool = createPool({ maxWorkers: 2 })
      const task = policy ? withPolicy('unlessOdd', policy) : tasks.unlessOdd
      for (const n of range(20)) await pool.run(task, [n, -1, 'exit'])
      const settled = await Promise.allSettled(range(300).map((n) => pool.run(task, [n, 150, 'exit'])))
      const failures = settled.flatMap((outcome, n) =>
        outcome.status === 'rejected' ? [[n, outcome.reason.code]] : [],
      )
      expect(failures).toEqual([[150, code]])
      const done = settled.toSpliced(150, 1)
      const expected = range(300).toSpliced(150, 1)
      expect(done).toEqual(expected.map((n) => ({ status: 'fulfilled', value: task(n, -1, 'exit') })))
      expect(pool.stats()).toMatchObject({ succeeded: 319, failed: 1, running: 0 })
    },
  )

  test.each([
    ['not idempotent', undefined, 'ERR_WORKER_CRASHED'],
    ['idempotent', idempotent, 'ERR_POISON_TASK'],
  ] as const)(
    'in a map that is %s a crash in a chunk comes in its place, and no other item is lost',
    async (_, policy, code) => {
      const pool = createPool({ maxWorkers: 2 })
      const gate = new Gate()
      const task = policy ? withPolicy('act', policy) : tasks.act
      const items = range(60).map((n): Item => ({ dir: gate.dir, n, ...(n === 33 && { does: 'exit' }) }))
      const results = pool.map(task, items, { chunkSize: 20 })
      for (let n = 0; n < 33; n += 1) expect((await results.next()).value).toBe(2 * n)
      expect((await rejectionOf(results.next())).code).toBe(code)
      expect(await results.next()).toEqual({ done: true, value: undefined })
      expect(new Set(gate.log())).toEqual(new Set(['33']))
      expect(gate.log().length > 1).toBe(policy !== undefined)
    },
  )

  test('an item of an idempotent map that ends its worker once costs nothing but time', async () => {
    const pool = createPool({ maxWorkers: 2 })
    const gate = new Gate()
    const act = withPolicy('act', idempotent)
    const items = range(60).map((n): Item => ({ dir: gate.dir, n, ...(n % 25 === 10 && { does: 'exit once' }) }))
    expect(await pool.map(act, items, { chunkSize: 20 }).toArray()).toEqual(range(60).map((n) => 2 * n))
    expect(await pool.map(act, items, { ordered: false }).toArray()).toHaveLength(60)
    expect(pool.stats()).toMatchObject({ succeeded: 120, failed: 0, running: 0, queued: 0 })
  })

  if (boundary === 'thread')
    test('a run whose thread ends before it begins is silently given to the next, though it is not idempotent', async () => {
      const pool = createPool({ maxWorkers: 1 })
      const gate = new Gate()
      const workers = new Set<string>()
      for (const n of range(10)) {
        workers.add(await pool.run(tasks.exitBehind, []))
        await pool.run(tasks.log, [gate.dir, String(n)])
      }
      expect(gate.log()).toEqual(range(10).map(String))
      expect(workers.size).toBe(10)
      expect(pool.stats()).toMatchObject({ crashes: 10, succeeded: 20, failed: 0 })
    })
  else
    test('SIGKILL at work: the run says so, or is repeated if it is idempotent', async () => {
      const pool = createPool({ maxWorkers: 1 })
      const gate = new Gate()
      const pid = Number.parseInt(await pool.run(tasks.worker, []), 10)
      const killed = rejectionOf(pool.run(tasks.spin, [gate.dir, 'loop']))
      await gate.begun('loop')
      process.kill(pid, 'SIGKILL')
      expect(await killed).toMatchObject({
        name: 'BrokenError',
        code: 'ERR_WORKER_CRASHED',
        message: expect.stringContaining('SIGKILL'),
        signal: 'SIGKILL',
        exitCode: undefined,
        began: true,
        attempt: 1,
        pid,
      })
      const next = Number.parseInt(await pool.run(tasks.worker, []), 10)
      const repeated = pool.run(withPolicy('hold', idempotent), [gate.dir, 'held'])
      await gate.begun('held')
      process.kill(next, 'SIGKILL')
      gate.open()
      expect(await repeated).toBe('held')
      expect(pool.stats().crashes).toBe(2)
    })
}
