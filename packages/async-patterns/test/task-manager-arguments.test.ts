import { AsyncTaskManager } from '@heddle/async-patterns'
import { expect, test } from '@jest/globals'
import { rejectionOf } from './support/observe.js'

/** Wrong on purpose, whatever the call asks for. */
const wrong = (value: unknown) => value as never

function thrownBy(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error('it did not throw')
}

const typeError = { name: 'TypeError', code: 'ERR_INVALID_ARG' }
const rangeError = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }

test.each([
  [{ maxConcurrent: 0 }, rangeError],
  [{ maxConcurrent: 1.5 }, rangeError],
  [{ maxConcurrent: Number.NaN }, rangeError],
  [{ maxConcurrent: '4' }, typeError],
  [{ maxQueued: -1 }, rangeError],
  [{ maxQueued: 10n }, typeError],
  [{ maxResults: 2.5 }, rangeError],
  [{ abortGrace: -1 }, rangeError],
  [{ abortGrace: null }, typeError],
  [{ whenFull: 'drop' }, typeError],
  [{ whenFull: Symbol('wait') }, typeError],
  [{ onDropped: 'log' }, typeError],
])('a manager with %p is refused by name', (options, error) => {
  expect(thrownBy(() => new AsyncTaskManager(wrong(options)))).toMatchObject({
    ...error,
    message: expect.stringContaining(Object.keys(options)[0] as string),
  })
})

test.each([null, 4, 'maxConcurrent: 4'])('options %p of a manager are refused', (options) => {
  expect(thrownBy(() => new AsyncTaskManager(wrong(options)))).toMatchObject(typeError)
})

test('options that are undefined are the defaults', async () => {
  const manager = new AsyncTaskManager({ maxConcurrent: undefined, maxQueued: undefined, whenFull: undefined })
  expect(manager.maxConcurrent).toBe(10)
  expect(await manager.run(() => 1, { timeout: undefined, signal: undefined, weight: undefined })).toBe(1)
  expect(await manager.run(() => 2, undefined)).toBe(2)
  expect(await manager.run((n: number) => n, [3], undefined)).toBe(3)
  expect(await manager.map((n: number) => n, [4], undefined).toArray()).toEqual([4])
})

test.each([
  [{ timeout: -1 }, rangeError],
  [{ timeout: '5' }, typeError],
  [{ queueTimeout: Number.NaN }, rangeError],
  [{ queueTimeout: null }, typeError],
  [{ signal: {} }, typeError],
  [{ signal: null }, typeError],
  [{ priority: '1' }, typeError],
  [{ priority: Number.POSITIVE_INFINITY }, rangeError],
  [{ weight: 0 }, rangeError],
  [{ weight: 11 }, rangeError],
  [{ weight: 0.5 }, rangeError],
])('options %p of a task are refused by name, and the task is not run', async (options, expected) => {
  const manager = new AsyncTaskManager()
  let runs = 0
  const task = () => ++runs
  const error = { ...expected, message: expect.stringContaining(Object.keys(options)[0] as string) }
  expect(await rejectionOf(manager.run(task, wrong(options)))).toMatchObject(error)
  expect(await rejectionOf(manager.run(task, [], wrong(options)))).toMatchObject(error)
  expect(await rejectionOf(manager.submitTask(task, wrong(options)))).toMatchObject(error)
  expect([runs, manager.stats().running, await manager.waitForAllTasks()]).toEqual([0, 0, new Map()])
})

test('what is no task, no arguments and no options is refused', async () => {
  const manager = new AsyncTaskManager()
  for (const odd of [undefined, null, 'task', {}]) {
    expect(await rejectionOf(manager.run(wrong(odd)))).toMatchObject(typeError)
    expect(await rejectionOf(manager.submitTask(wrong(odd)))).toMatchObject(typeError)
    expect(thrownBy(() => manager.map(wrong(odd), [1]))).toMatchObject(typeError)
  }
  for (const odd of [null, 5, 'args', () => 1]) {
    expect(await rejectionOf(manager.run(() => 1, wrong(odd)))).toMatchObject(typeError)
    expect(await rejectionOf(manager.submitTask(() => 1, wrong(odd)))).toMatchObject(typeError)
  }
  expect(await rejectionOf(manager.run(() => 1, [], wrong(null)))).toMatchObject(typeError)
})

test.each([
  [{ concurrency: 0 }, rangeError],
  [{ concurrency: 1.5 }, rangeError],
  [{ concurrency: '2' }, typeError],
  [{ ordered: 'yes' }, typeError],
  [{ timeout: -1 }, rangeError],
  [{ signal: 'abort' }, typeError],
])('options %p of a map are refused by name before anything is pulled', (options, error) => {
  const manager = new AsyncTaskManager()
  let pulled = 0
  const items = {
    *[Symbol.iterator]() {
      yield ++pulled
    },
  }
  expect(thrownBy(() => manager.map((n: number) => n, items, wrong(options)))).toMatchObject({
    ...error,
    message: expect.stringContaining(Object.keys(options)[0] as string),
  })
  expect(thrownBy(() => manager.map((n: number) => n, items, wrong(null)))).toMatchObject(typeError)
  expect(pulled).toBe(0)
})

test.each([undefined, null, 5, {}, { [Symbol.iterator]: 5 }])('map over %p is refused: it is not iterable', (items) => {
  expect(thrownBy(() => new AsyncTaskManager().map((n) => n, wrong(items)))).toMatchObject({ name: 'TypeError' })
})

test('what is no id is refused as an argument, a symbol too', async () => {
  const manager = new AsyncTaskManager()
  for (const odd of [undefined, null, 7, Symbol('async_task_0'), {}]) {
    expect(await rejectionOf(manager.getTaskResult(wrong(odd)))).toMatchObject(typeError)
    expect(thrownBy(() => manager.cancelTask(wrong(odd)))).toMatchObject(typeError)
  }
})

test('bad timeouts and signals of a wait are refused, and the result stays', async () => {
  const manager = new AsyncTaskManager()
  const id = await manager.submitTask(() => 3)
  for (const [options, error] of [
    [{ timeout: -1 }, rangeError],
    [{ timeout: 'soon' }, typeError],
    [{ signal: {} }, typeError],
    [null, typeError],
  ] as const) {
    expect(await rejectionOf(manager.getTaskResult(id, wrong(options)))).toMatchObject(error)
    expect(await rejectionOf(manager.waitForAllTasks(wrong(options)))).toMatchObject(error)
    expect(await rejectionOf(manager.asCompleted(wrong(options)).next())).toMatchObject(error)
    expect(await rejectionOf(manager.onIdle(wrong(options)))).toMatchObject(error)
  }
  expect(await manager.getTaskResult(id)).toBe(3)
})

test.each([0, -1, 1.5, Number.NaN])('maxConcurrent cannot be set to %p, and stays what it was', (most) => {
  const manager = new AsyncTaskManager({ maxConcurrent: 3 })
  expect(thrownBy(() => Object.assign(manager, { maxConcurrent: most }))).toMatchObject(rangeError)
  expect(manager.maxConcurrent).toBe(3)
})
