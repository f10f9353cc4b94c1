import { expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { collect, counting, range } from '../support/inputs.js'
import { rejectionOf, thrownBy } from '../support/observe.js'
import type { Kit } from './kit.js'
import { withPolicyOf } from './policies.js'
import type { Passed, Step } from './task-functions.mjs'

const doubled = (numbers: readonly number[]) => numbers.map((n) => 2 * n)
const squared = (numbers: readonly number[]) => numbers.map((n) => n ** 2)

export function batching(kit: Kit): void {
  const { sharedPool, tasks } = kit
  const withPolicy = withPolicyOf(kit)
  // Between processes only such tasks share a message.
  const square = withPolicy('square', { idempotent: true })
  const once = { plain: tasks.unlessOdd, idempotent: withPolicy('unlessOdd', { idempotent: true }) }

  test.each(['plain', 'idempotent'] as const)(
    'of 500 short %s runs at once one that throws and one whose result cannot be sent fail alone, with all they have to say',
    async (kind) => {
      const pool = sharedPool(2)
      const task = once[kind]
      // From then on it is known to be short.
      for (const n of range(20)) await pool.run(task, [n, -1, 'throw'])
      const thrown = {
        name: 'OrderError',
        message: 'order 7 was refused',
        code: 'ERR_ORDER',
        order: { id: 7, tags: new Set(['late']) },
        cause: { name: 'TypeError', message: 'inner', cause: 'innermost' },
      }
      for (const [does, expected] of [
        ['throw', thrown],
        ['nested', { code: 'ERR_NOT_CLONEABLE', path: '.list[1].callback' }],
        ['function', { code: 'ERR_NOT_CLONEABLE', path: '' }],
      ] as const) {
        const settled = await Promise.allSettled(range(500).map((n) => pool.run(task, [n, 123, does])))
        const [failed] = settled.splice(123, 1) as [PromiseRejectedResult]
        expect(settled).toEqual(
          range(500)
            .toSpliced(123, 1)
            .map((n) => ({ status: 'fulfilled', value: task(n, -1, does) })),
        )
        expect(failed.reason).toMatchObject(expected)
      }
    },
  )

  test.each(['ownId', 'ownIdAtOnce'] as const)('short submitted tasks each know their own id: %s', async (name) => {
    const pool = sharedPool(2)
    // To the compiler they are the same.
    const task = withPolicy(name as 'ownId', { idempotent: true })
    for (let warmUp = 0; warmUp < 20; warmUp++) expect(await pool.run(task, [])).toBeUndefined()
    const ids = await Promise.all(range(300).map(() => pool.submitTask(task, [])))
    expect(await Promise.all(ids.map((id) => pool.getTaskResult(id)))).toEqual(ids)
  })

  test('results that are not numbers arrive as themselves among short runs, in the place of their own', async () => {
    const pool = sharedPool(2)
    const echo = withPolicy('echo', { idempotent: true })
    const values = range(400).map((n) =>
      n % 4 === 0 ? n : n % 4 === 1 ? String(n) : n % 4 === 2 ? new RangeError(`${n}`) : { n, at: new Date(n) },
    )
    for (const n of range(20)) await pool.run(echo, [n])
    expect(await Promise.all(values.map((value) => pool.run(echo, [value])))).toEqual(values)
    expect(await pool.map(echo, values, { chunkSize: 50 }).toArray()).toEqual(values)
  })

  test('ten thousand runs at once have each its own result', async () => {
    const pool = sharedPool(2)
    const results = await Promise.all(range(10_000).map((n) => pool.run(square, [n])))
    expect(results).toEqual(squared(range(10_000)))
  })

  test('any chunk size gives the same results in the same order: above, equal to and below the input, and auto', async () => {
    const pool = sharedPool(2)
    for (const task of [tasks.square, square])
      for (const chunkSize of [1, 7, 50, 51, 1_000_000, 'auto', undefined] as const) {
        expect(await pool.map(task, range(50), { chunkSize }).toArray()).toEqual(squared(range(50)))
        const results = pool.map(task, counting((n) => n, 50).input, { chunkSize, concurrency: 20 })
        expect(await collect(results)).toEqual({ values: squared(range(50)), error: undefined })
        expect(await pool.map(task, [], { chunkSize }).toArray()).toEqual([])
        expect(await collect(pool.map(task, counting((n) => n, 0).input, { chunkSize }))).toMatchObject({ values: [] })
      }
  })

  test.each([-1, 0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '10', null])(
    'chunkSize %p is refused by name before anything is pulled',
    (chunkSize) => {
      const source = counting((n) => n)
      const error = thrownBy(() =>
        sharedPool(1).map(tasks.square, source.input, { chunkSize: chunkSize as number | 'auto' }),
      )
      expect(error.code).toBe(typeof chunkSize === 'number' ? 'ERR_OUT_OF_RANGE' : 'ERR_INVALID_ARG')
      expect(error.message).toContain('chunkSize')
      expect(source.pulled).toBe(0)
    },
  )

  test('a timeout for each item and a chunk of many exclude each other', () => {
    const both = { timeout: 100, chunkSize: 2 }
    expect(thrownBy(() => sharedPool(1).map(tasks.square, [1], both)).code).toBe('ERR_INVALID_ARG')
  })

  test('with ordered: false results come as they are done, each once, and an error as soon as it is there', async () => {
    const pool = sharedPool(2)
    const gate = new Gate()
    const items = range(6).map((n): Step => ({ dir: gate.dir, label: String(n), waits: n === 0 }))
    const results = pool.map(tasks.step, items, { ordered: false, concurrency: 6, chunkSize: 1 })
    const early: string[] = []
    for (let taken = 0; taken < 5; taken += 1) early.push((await results.next()).value as string)
    expect(early.toSorted()).toEqual(['1', '2', '3', '4', '5'])
    gate.open()
    expect(await collect(results)).toEqual({ values: ['0'], error: undefined })
    const all = await pool.map(square, range(500), { ordered: false }).toArray()
    expect(all.toSorted((one, other) => one - other)).toEqual(squared(range(500)))

    const closed = new Gate()
    const failing = pool.map(
      tasks.step,
      [
        { dir: closed.dir, label: 'waits', waits: true },
        { dir: closed.dir, label: Symbol('cannot be sent') as unknown as string },
      ],
      { ordered: false },
    )
    expect((await rejectionOf(failing.next())).code).toBe('ERR_NOT_CLONEABLE')
  })

  test('typed arrays are an input like any other: their values are sent, and they stay as they are', async () => {
    const pool = sharedPool(2)
    const floats = Float64Array.from(range(300), (n) => n / 7)
    const inputs = [floats, Float32Array.from(floats), Int32Array.from(range(300)), floats.subarray(100, 200)]
    for (const input of inputs) {
      const values = [...input]
      expect(await pool.map(square, input, { chunkSize: 64 }).toArray()).toEqual(squared(values))
      expect(await collect(pool.map(tasks.shown, input))).toEqual({ values: values.map(String), error: undefined })
      expect([...input]).toEqual(values)
    }
    const bigints = BigInt64Array.of(1n, -2n)
    expect(await pool.map(tasks.shown, bigints).toArray()).toEqual(['1n', '-2n'])
    expect(await pool.map(tasks.shown, Uint8Array.of(1, 255)).toArray()).toEqual(['1', '255'])
  })

  test('short runs and items do not wait behind a slow one of their kind while another worker is free', async () => {
    const pool = sharedPool(2)
    const [runs, items] = [new Gate(), new Gate()]
    const pass =
      (gate: Gate) =>
      (n: number): Passed => ({ dir: gate.dir, n, waits: n === 0 })
    for (const n of range(20)) await pool.run(tasks.pass, [pass(runs)(n + 1)])
    const [slow, ...others] = range(200).map((n) => pool.run(tasks.pass, [pass(runs)(n)]))
    expect(await Promise.all(others)).toEqual(doubled(range(200).slice(1)))
    expect(runs.log()).toEqual(['0'])
    runs.open()
    expect(await slow).toBe(0)

    const results = pool.map(tasks.pass, range(20).map(pass(items)), { chunkSize: 10, ordered: false })
    const early: unknown[] = []
    for (let taken = 0; taken < 19; taken += 1) early.push((await results.next()).value)
    expect(early.toSorted((one, other) => Number(one) - Number(other))).toEqual(doubled(range(20).slice(1)))
    items.open()
    expect(await collect(results)).toEqual({ values: [0], error: undefined })
  })

  test('a task that is submitted during a map begins before whatever the map pulls later, and two maps share a pool', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    const source = counting((n): Step => ({ dir: gate.dir, label: String(n) }))
    const results = pool.map(tasks.step, source.input, { concurrency: 4, chunkSize: 2 })
    expect((await results.next()).value).toBe('0')
    const { pulled } = source
    const single = pool.run(tasks.log, [gate.dir, 'single'])
    for (let n = 1; n < 20; n += 1) expect((await results.next()).value).toBe(String(n))
    await single
    await results.return()
    expect(gate.log().indexOf('single')).toBeLessThanOrEqual(pulled)
    const [one, other] = [pool.map(square, range(300)), pool.map(tasks.square, range(100), { chunkSize: 3 })]
    expect(await Promise.all([one.toArray(), collect(other)])).toEqual([
      squared(range(300)),
      { values: squared(range(100)), error: undefined },
    ])
  })
}
