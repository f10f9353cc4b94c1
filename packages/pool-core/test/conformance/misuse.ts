import { expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { rejectionOf, thrownBy } from '../support/observe.js'
import type { Kit } from './kit.js'

/** Wrong on purpose, whatever the call asks for. */
const wrong = (value: unknown) => value as never

export function misuse({ createPool, sharedPool, defineTask, fixture, tasks }: Kit): void {
  test.each([
    ['maxWorkers', 0, 'RangeError'],
    ['maxWorkers', -1, 'RangeError'],
    ['maxWorkers', 1.5, 'RangeError'],
    ['maxWorkers', Number.NaN, 'RangeError'],
    ['maxWorkers', Number.POSITIVE_INFINITY, 'RangeError'],
    ['maxWorkers', '2', 'TypeError'],
    ['maxWorkers', null, 'TypeError'],
    ['maxResults', 0, 'RangeError'],
    ['maxResults', 2.5, 'RangeError'],
    ['maxResults', 10n, 'TypeError'],
  ])('a pool with %s %p is refused by name', (option, value, name) => {
    const error = thrownBy(() => createPool(wrong({ [option]: value })))
    expect([error.name, error.code]).toEqual([name, name === 'TypeError' ? 'ERR_INVALID_ARG' : 'ERR_OUT_OF_RANGE'])
    expect(error.message).toContain(option)
  })

  test.each([null, 4, 'maxWorkers: 4'])('options %p of a pool are refused', (options) => {
    expect(thrownBy(() => createPool(wrong(options)))).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG' })
  })

  test('options that are undefined are the defaults', async () => {
    const pool = createPool({ maxWorkers: undefined, maxResults: undefined })
    expect(await pool.run(tasks.add, [1, 2], { timeout: undefined, signal: undefined })).toBe(3)
  })

  test('bad options of a call are refused by name, and nothing has run', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    const calls = [
      { options: { timeout: -1 }, expected: ['RangeError', 'ERR_OUT_OF_RANGE', 'timeout'] },
      { options: { timeout: Number.NaN }, expected: ['RangeError', 'ERR_OUT_OF_RANGE', 'timeout'] },
      { options: { timeout: '5' }, expected: ['TypeError', 'ERR_INVALID_ARG', 'timeout'] },
      { options: { timeout: null }, expected: ['TypeError', 'ERR_INVALID_ARG', 'timeout'] },
      { options: { signal: {} }, expected: ['TypeError', 'ERR_INVALID_ARG', 'signal'] },
      { options: { signal: null }, expected: ['TypeError', 'ERR_INVALID_ARG', 'signal'] },
      { options: null, expected: ['TypeError', 'ERR_INVALID_ARG', 'options'] },
    ]
    for (const { options, expected } of calls) {
      const [name, code, word] = expected
      for (const refused of [
        pool.run(tasks.log, [gate.dir, 'never'], wrong(options)),
        pool.submitTask(tasks.log, [gate.dir, 'never'], wrong(options)),
      ]) {
        const error = await rejectionOf(refused)
        expect([error.name, error.code]).toEqual([name, code])
        expect(error.message).toContain(word)
      }
      const mapped = thrownBy(() => pool.map(tasks.square, [1], wrong(options)))
      expect([mapped.name, mapped.code]).toEqual([name, code])
    }
    expect(await pool.waitForAllTasks()).toEqual(new Map())
    await pool.run(tasks.log, [gate.dir, 'next'])
    expect(gate.log()).toEqual(['next'])
  })

  test('bad timeouts of a wait are refused, and the result stays', async () => {
    const pool = sharedPool(1)
    const id = await pool.submitTask(tasks.add, [1, 2])
    expect(await rejectionOf(pool.getTaskResult(id, { timeout: -1 }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    expect(await rejectionOf(pool.waitForAllTasks({ timeout: wrong('soon') }))).toMatchObject({
      code: 'ERR_INVALID_ARG',
    })
    expect(await pool.getTaskResult(id)).toBe(3)
  })

  test.each([0, -1, 1.5, Number.NaN])(
    'map with concurrency %p is refused by name before anything is pulled',
    (concurrency) => {
      const pool = sharedPool(1)
      const error = thrownBy(() => pool.map(tasks.square, [1], { concurrency }))
      expect([error.name, error.code]).toEqual(['RangeError', 'ERR_OUT_OF_RANGE'])
      expect(error.message).toContain('concurrency')
    },
  )

  test.each([undefined, null, 5, {}])('map over %p is refused: it is not iterable', (items) => {
    const pool = sharedPool(1)
    expect(thrownBy(() => pool.map(tasks.square, wrong(items)))).toMatchObject({ code: 'ERR_INVALID_ARG' })
  })

  test('what is neither a task nor a function is refused, and the message says what it is', async () => {
    const pool = sharedPool(1)
    for (const notTask of [undefined, null, 'add', {}]) {
      const error = await rejectionOf(pool.run(wrong(notTask), wrong([1])))
      expect([error.name, error.code]).toEqual(['TypeError', 'ERR_INVALID_ARG'])
      expect(error.message).toContain('defineTask')
      expect(thrownBy(() => pool.map(wrong(notTask), [1]))).toMatchObject({ code: 'ERR_INVALID_ARG' })
    }
  })

  test.each([undefined, null, 5, 'args', { length: 1 }])(
    'arguments %p are refused: they are not an array',
    async (args) => {
      const pool = sharedPool(1)
      expect(await rejectionOf(pool.run(tasks.add, wrong(args)))).toMatchObject({ code: 'ERR_INVALID_ARG' })
    },
  )

  test('defineTask refuses what cannot be found by a worker', () => {
    const fn = () => 1
    const here = fixture('tasks.mjs')
    const calls = [
      [undefined, 'name', fn],
      ['./tasks.mjs', 'name', fn],
      [new URL(here), 'name', fn],
      [here, '', fn],
      [here, undefined, fn],
      [here, 'name', undefined],
      [here, 'name', 'fn'],
    ]
    for (const [url, name, body] of calls)
      expect(thrownBy(() => defineTask(wrong(url), wrong(name), wrong(body)))).toMatchObject({
        name: 'TypeError',
        code: 'ERR_INVALID_ARG',
      })
  })

  test('defineTask refuses a second task of the same name in a module, unless it is the same again', () => {
    const here = fixture('tasks.mjs')
    const define = (fn: () => number) => defineTask(here, 'defined twice', fn)
    const source = () => () => 1
    expect(define(source())()).toBe(1)
    expect(define(source())()).toBe(1)
    const error = thrownBy(() => define(() => 2))
    expect(error.code).toBe('ERR_INVALID_ARG')
    expect(error.message).toContain('defined twice')
    expect(defineTask(fixture('another.mjs'), 'defined twice', () => 2)()).toBe(2)
  })
}
