import { expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { collect, counting, range } from '../support/inputs.js'
import { rejectionOf, turnsOfTheLoop } from '../support/observe.js'
import type { Kit } from './kit.js'
import { withPolicyOf } from './policies.js'
import type { Item, Step } from './task-functions.mjs'

const doubled = (numbers: readonly number[]) => numbers.map((n) => 2 * n)
const squared = (numbers: readonly number[]) => numbers.map((n) => n ** 2)

/** Maps whose items travel together, and how they end. */
export function chunks(kit: Kit): void {
  const { createPool, sharedPool, tasks } = kit
  const withPolicy = withPolicyOf(kit)
  // Between processes only such tasks share a message.
  const square = withPolicy('square', { idempotent: true })
  const act = withPolicy('act', { idempotent: true })

  test('in chunks, too, an error, a result and an item that cannot be sent come in their place, and close the input', async () => {
    const pool = sharedPool(2)
    const gate = new Gate()
    for (const chunkSize of [1, 10, 'auto'] as const) {
      const input = counting((n): Item => (n === 25 ? { dir: gate.dir, n, does: 'throw' } : { dir: gate.dir, n }))
      const { values, error } = await collect(pool.map(act, input.input, { chunkSize }))
      expect(values).toEqual(doubled(range(25)))
      expect(error).toMatchObject({ name: 'OrderError', order: { id: 7 } })
      expect(input.closed).toBe(true)

      const echo = withPolicy('echo', { idempotent: true })
      const bad = counting((n): unknown => (n === 25 ? { on: () => {} } : n))
      const unsent = await collect(pool.map(echo, bad.input, { chunkSize }))
      expect(unsent.values).toEqual(range(25))
      expect(unsent.error).toMatchObject({ code: 'ERR_NOT_CLONEABLE', path: '[0].on' })
      expect(bad.closed).toBe(true)

      const make = withPolicy('make', { idempotent: true })
      const unanswered = await collect(pool.map(make, ['nested', 'nested'], { chunkSize }))
      expect(unanswered).toMatchObject({ values: [], error: { code: 'ERR_NOT_CLONEABLE', path: '.list[1].callback' } })
    }
    const failing = pool.map(
      act,
      range(50).map((n): Item => ({ dir: gate.dir, n, ...(n === 25 && { does: 'throw' }) })),
    )
    expect((await rejectionOf(failing.toArray())).code).toBe('ERR_ORDER')
  })

  test('a map whose third item takes longer than the timeout gives two results, then the TimeoutError', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    await pool.run(tasks.add, [1, 2])
    const items = range(4).map((n): Item => (n === 2 ? { dir: gate.dir, n, does: 'spin' } : { dir: gate.dir, n }))
    const { values, error } = await collect(pool.map(tasks.act, items, { timeout: 400 }))
    expect(values).toEqual([0, 2])
    expect(error).toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
    expect(await pool.run(tasks.add, [1, 2])).toBe(3)
  })

  test('an input of chunks that throws, at first or midway, rejects behind what it has given, twice in a row', async () => {
    const pool = sharedPool(2)
    for (const failsAt of [0, 0, 6, 6])
      for (const chunkSize of [4, 'auto'] as const) {
        const problem = new Error(`no item ${failsAt}`)
        const source = counting((n) => {
          if (n === failsAt) throw problem
          return n
        })
        expect(await collect(pool.map(square, source.input, { chunkSize }))).toEqual({
          values: squared(range(failsAt)),
          error: problem,
        })
      }
    expect(await pool.run(square, [3])).toBe(9)
  })

  test.each([undefined, 250])(
    'an endless input in chunks of 100 is pulled within the window, concurrency %p',
    async (concurrency) => {
      const pool = sharedPool(2)
      const source = counting((n) => n)
      const results = pool.map(square, source.input, { chunkSize: 100, concurrency })
      const window = concurrency ?? 400
      for (let taken = 1; taken <= 1_000; taken += 1) {
        expect((await results.next()).value).toBe((taken - 1) ** 2)
        expect(source.pulled).toBeLessThanOrEqual(taken + window)
      }
      await turnsOfTheLoop()
      const { pulled } = source
      await turnsOfTheLoop()
      expect(source.pulled).toBe(pulled)
      await results.return()
      expect(source.closed).toBe(true)
    },
  )

  test('a map in chunks that is left early closes its input, and what has not begun never does', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    const source = counting((n): Step => ({ dir: gate.dir, label: String(n), waits: n === 2 }))
    for await (const result of pool.map(tasks.step, source.input, { chunkSize: 2, concurrency: 4 })) {
      expect(result).toBe('0')
      await gate.begun('2')
      break
    }
    expect(source.closed).toBe(true)
    gate.open()
    await pool.run(tasks.log, [gate.dir, 'next'])
    expect(gate.log()).toEqual(['0', '1', '2', 'next'])
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0 })
  })

  test('a drain lets a map in chunks give what was pulled, then comes ERR_CLOSED; toArray rejects with it', async () => {
    const pool = createPool({ maxWorkers: 2 })
    const source = counting((n) => n)
    const results = pool.map(square, source.input, { chunkSize: 5 })
    const all = rejectionOf(pool.map(square, counting((n) => n).input, { chunkSize: 5 }).toArray())
    expect((await results.next()).value).toBe(0)
    await pool.drain()
    expect(source.closed).toBe(true)
    const { values, error } = await collect(results)
    expect([0, ...values]).toEqual(squared(range(source.pulled)))
    expect(error).toMatchObject({ name: 'ClosedError', code: 'ERR_CLOSED' })
    expect((await all).code).toBe('ERR_CLOSED')
    const late = counting((n) => n)
    expect(await collect(pool.map(square, late.input))).toMatchObject({ values: [], error: { code: 'ERR_CLOSED' } })
    expect(late.pulled).toBe(0)
  })

  test('terminate ends a map in chunks, also one that loops: its input is closed, and it rejects with ERR_CLOSED', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const gate = new Gate()
    const source = counting((n): Item => (n === 1 ? { dir: gate.dir, n, does: 'spin' } : { dir: gate.dir, n }))
    const results = pool.map(act, source.input, { chunkSize: 3 })
    const outcome = collect(results)
    await gate.begun('1')
    await pool.terminate('no time')
    expect((await outcome).error).toMatchObject({ code: 'ERR_CLOSED', cause: 'no time' })
    expect(source.closed).toBe(true)
    expect(await results.next()).toEqual({ done: true, value: undefined })
  })

  test('an abort ends a map in chunks with its reason, and the chunk that loops with its worker', async () => {
    const pool = createPool({ maxWorkers: 1, abortGrace: 50 })
    for (const task of [tasks.act, act]) {
      const gate = new Gate()
      const worker = await pool.run(tasks.worker, [])
      const controller = new AbortController()
      const source = counting((n): Item => ({ dir: gate.dir, n, ...(n > 0 && { does: 'spin' }) }))
      const results = pool.map(task, source.input, { chunkSize: 3, signal: controller.signal })
      const outcome = rejectionOf(results.toArray())
      await gate.begun('1')
      controller.abort('enough')
      expect(await outcome).toBe('enough')
      expect(source.closed).toBe(true)
      expect(await pool.run(tasks.worker, [])).not.toBe(worker)
      // Nothing of it has begun since.
      expect(gate.log()).toEqual(['1'])
    }
    const before = counting((n) => n)
    const aborted = pool.map(square, before.input, { signal: AbortSignal.abort(null) })
    expect(await rejectionOf(aborted.next())).toBeNull()
    expect(before.pulled).toBe(0)
  })

  test('toArray gives what was not read one by one, and the end to whoever asks behind it', async () => {
    const pool = sharedPool(2)
    const results = pool.map(square, range(30), { chunkSize: 4 })
    expect([(await results.next()).value, (await results.next()).value]).toEqual([0, 1])
    expect(await results.toArray()).toEqual(squared(range(30)).slice(2))
    expect(await results.next()).toEqual({ done: true, value: undefined })
    expect(await results.toArray()).toEqual([])
  })
}
