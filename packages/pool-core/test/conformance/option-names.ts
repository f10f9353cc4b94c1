import { expect, test } from '@jest/globals'
import { rejectionOf, thrownBy } from '../support/observe.js'
import type { Kit } from './kit.js'

/** Wrong on purpose, whatever the call asks for. */
const wrong = (value: unknown) => value as never

const [type, range] = ['TypeError', 'RangeError'] as const

export function optionNames({ createPool, defineTask, fixture, sharedPool, tasks }: Kit): void {
  test.each([
    ['minWorkers', -1, range],
    ['minWorkers', 0.5, range],
    ['minWorkers', '1', type],
    ['idleTimeout', -1, range],
    ['idleTimeout', Number.NaN, range],
    ['idleTimeout', '5', type],
    ['maxTasksPerWorker', 0, range],
    ['maxTasksPerWorker', -3, range],
    ['maxTasksPerWorker', 2.5, range],
    ['maxTasksPerWorker', true, type],
    ['maxQueued', -1, range],
    ['maxQueued', 1.5, range],
    ['maxQueued', '9', type],
    ['whenFull', 'block', type],
    ['whenFull', null, type],
    ['onDropped', 'log', type],
    ['abortGrace', -1, range],
    ['abortGrace', null, type],
    ['startTimeout', Number.NaN, range],
    ['startTimeout', [], type],
    ['initializer', 'setUp', type],
    ['initializerArgs', 'one', type],
    ['execArgv', '--import', type],
    ['execArgv', [1], type],
    ['env', { PORT: 80 }, type],
    ['env', 'A=1', type],
    ['resourceLimits', 64, type],
    ['resourceLimits', { maxOldGenerationSizeMb: 0 }, range],
    ['resourceLimits', { stackSizeMb: '4' }, range],
    ['name', 7, type],
    ['name', '', type],
  ])('a pool with %s %p is refused by name', (option, value, name) => {
    const error = thrownBy(() => createPool(wrong({ maxWorkers: 4, [option]: value })))
    expect([error.name, error.code]).toEqual([name, name === type ? 'ERR_INVALID_ARG' : 'ERR_OUT_OF_RANGE'])
    // What an initializer is not, is said of tasks.
    expect(error.message).toContain(option === 'initializer' ? 'defineTask' : option)
  })

  test('more workers at least than at most are refused, and both numbers are named', () => {
    const error = thrownBy(() => createPool({ minWorkers: 3, maxWorkers: 2 }))
    expect([error.name, error.code]).toEqual([range, 'ERR_OUT_OF_RANGE'])
    expect(error.message).toMatch(/minWorkers.*maxWorkers.*2.*3/)
  })

  test('an argument of the initializer that cannot be cloned is refused when the pool is made', () => {
    const error = thrownBy(() => createPool({ initializer: tasks.echo, initializerArgs: [{ on: () => {} }] }))
    expect([error.code, error.path]).toEqual(['ERR_NOT_CLONEABLE', '[0].on'])
  })

  test.each([
    ['priority', Number.POSITIVE_INFINITY, range],
    ['priority', 'high', type],
    ['transfer', 'buffer', type],
    ['transfer', [1], type],
    ['onProgress', true, type],
    ['retries', 3, type],
    ['retries', { errors: -1 }, range],
    ['retries', { crashes: 1 }, type],
  ])('a call with %s %p is refused by name', async (option, value, name) => {
    const pool = sharedPool(1)
    const error = thrownBy(() => pool.stream(tasks.list, [], wrong({ [option]: value })))
    expect([error.name, error.code]).toEqual([name, name === type ? 'ERR_INVALID_ARG' : 'ERR_OUT_OF_RANGE'])
    expect(error.message).toMatch(new RegExp(`${option}|idempotent`))
    const rejected = await rejectionOf(pool.run(tasks.list, [], wrong({ [option]: value })))
    expect([rejected.name, rejected.message]).toEqual([error.name, error.message])
  })

  test.each([0, -1, 1.5, Number.NaN])(
    'a stream with highWaterMark %p is refused by name, when it is made',
    (highWaterMark) => {
      const error = thrownBy(() => sharedPool(1).stream(tasks.countAtOnce, [1], { highWaterMark }))
      expect([error.name, error.code]).toEqual([range, 'ERR_OUT_OF_RANGE'])
      expect(error.message).toContain('highWaterMark')
    },
  )

  test('a map with a timeout for each item and a chunk size is refused, and so is a bad chunk size', () => {
    const pool = sharedPool(1)
    expect(thrownBy(() => pool.map(tasks.square, [1], { chunkSize: 2, timeout: 5 })).message).toContain('chunkSize')
    for (const chunkSize of [0, -1, 2.5]) {
      const error = thrownBy(() => pool.map(tasks.square, [1], { chunkSize }))
      expect([error.name, error.code]).toEqual([range, 'ERR_OUT_OF_RANGE'])
      expect(error.message).toContain('chunkSize')
    }
  })

  test.each([
    [{ idempotent: 'yes' }, type],
    [{ idempotent: true, retries: { crashes: -1 } }, range],
    [{ retries: { errors: 1 } }, type],
    ['idempotent', type],
  ])('defineTask with the policy %p is refused', (policy, name) => {
    const error = thrownBy(() => defineTask(fixture('tasks.mjs'), 'odd', () => 1, wrong(policy)))
    expect([error.name, error.code]).toEqual([name, name === type ? 'ERR_INVALID_ARG' : 'ERR_OUT_OF_RANGE'])
  })
}
