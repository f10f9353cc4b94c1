import { expect, test } from '@jest/globals'
import { rejectionOf } from '../support/observe.js'
import type { Kit } from './kit.js'

export function errors({ sharedPool, tasks }: Kit): void {
  test('an error of a built-in class arrives as one, thrown or rejected', async () => {
    const pool = sharedPool(1)
    for (const failing of [pool.run(tasks.fail, ['builtIn']), pool.run(tasks.failLater, ['builtIn'])]) {
      const error = await rejectionOf(failing)
      expect(error).toBeInstanceOf(RangeError)
      expect([error.name, error.message]).toEqual(['RangeError', 'too far'])
      expect(error.stack).toContain('task-functions.mjs')
    }
  })

  test("an error of a task's own class keeps its name, message, code, fields and the whole chain of causes", async () => {
    const pool = sharedPool(1)
    const error = await rejectionOf(pool.run(tasks.fail, ['custom']))
    expect(error).toBeInstanceOf(Error)
    expect([error.name, error.message, error.code]).toEqual(['OrderError', 'order 7 was refused', 'ERR_ORDER'])
    expect((error as unknown as { order: unknown }).order).toEqual({ id: 7, tags: new Set(['late']) })
    expect(error.cause).toBeInstanceOf(TypeError)
    expect([error.cause.message, error.cause.cause]).toEqual(['inner', 'innermost'])
  })

  test('an error of the system says its code, so that e.code === "ENOENT" works', async () => {
    const pool = sharedPool(1)
    const error = await rejectionOf(pool.run(tasks.fail, ['system']))
    expect(error).toMatchObject({
      code: 'ENOENT',
      syscall: 'open',
      errno: expect.any(Number),
      path: expect.any(String),
    })
  })

  test('an AggregateError brings its members as errors', async () => {
    const pool = sharedPool(1)
    const error = await rejectionOf(pool.run(tasks.failLater, ['aggregate']))
    expect([error.name, error.message]).toEqual(['AggregateError', 'both'])
    expect(error.errors.map(({ name, message, code }) => [name, message, code])).toEqual([
      ['TypeError', 'one', undefined],
      ['Error', 'two', 'E_TWO'],
    ])
  })

  test.each([
    ['null', null],
    ['undefined', undefined],
    ['string', 'just text'],
    ['number', -0],
    ['object', { status: 404, at: new Date(0) }],
  ] as const)('a thrown %s rejects with just that', async (kind, value) => {
    const pool = sharedPool(1)
    expect(await rejectionOf(pool.run(tasks.fail, [kind]))).toEqual(value)
    expect(await rejectionOf(pool.run(tasks.failLater, [kind]))).toEqual(value)
  })

  test('a frozen error, and one whose causes form a circle, arrive whole', async () => {
    const pool = sharedPool(1)
    const frozen = await rejectionOf(pool.run(tasks.fail, ['frozen']))
    expect([frozen.name, frozen.message, frozen.code]).toEqual(['SyntaxError', 'cold', 'E_FROZEN'])
    const cyclic = await rejectionOf(pool.run(tasks.failLater, ['cyclic']))
    expect([cyclic.message, cyclic.cause.message]).toEqual(['first', 'second'])
    expect(cyclic.cause.cause).toBe(cyclic)
  })

  test('what was thrown and cannot be sent is described by a RemoteError', async () => {
    const pool = sharedPool(1)
    const error = await rejectionOf(pool.run(tasks.fail, ['function']))
    expect([error.name, error.code]).toEqual(['RemoteError', 'ERR_REMOTE'])
    expect(error.message).toContain('the function complain')
  })

  test('an error with a field that cannot be sent arrives without that field only', async () => {
    const pool = sharedPool(1)
    const error = await rejectionOf(pool.run(tasks.fail, ['uncloneableField']))
    expect(error).toMatchObject({ message: 'kept', code: 'E_FIELD', retry: expect.stringContaining('retry') })
  })

  test('an error rejects the promise of its task and of no other', async () => {
    const pool = sharedPool(1)
    const outcomes = await Promise.allSettled([
      pool.run(tasks.add, [1, 1]),
      pool.run(tasks.fail, ['builtIn']),
      pool.run(tasks.add, [2, 2]),
      pool.run(tasks.failLater, ['null']),
      pool.run(tasks.add, [3, 3]),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ])
  })

  test('no error and no result that cannot be sent costs a worker: 20 of each end in the same one', async () => {
    const pool = sharedPool(1)
    const worker = await pool.run(tasks.worker, [])
    for (let round = 0; round < 20; round++) {
      const uncloneable = [
        await rejectionOf(pool.run(tasks.make, ['function'])),
        await rejectionOf(pool.run(tasks.makeLater, ['symbol'])),
        await rejectionOf(pool.run(tasks.make, ['nested'])),
        await rejectionOf(pool.run(tasks.makeLater, ['promise'])),
      ]
      expect(uncloneable.map(({ code, path }) => [code, path])).toEqual([
        ['ERR_NOT_CLONEABLE', ''],
        ['ERR_NOT_CLONEABLE', ''],
        ['ERR_NOT_CLONEABLE', '.list[1].callback'],
        ['ERR_NOT_CLONEABLE', '.later'],
      ])
      expect(uncloneable[1]?.message).toContain('Symbol(mine)')
      expect(await rejectionOf(pool.run(tasks.fail, ['function']))).toMatchObject({ code: 'ERR_REMOTE' })
    }
    expect(await pool.run(tasks.worker, [])).toBe(worker)
  })
}
