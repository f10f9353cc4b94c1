import { Mutex } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import { stateOf } from './support/shared-words.js'
import { thrownBy } from './support/until.js'

const FREE = 0

const bad: [string, unknown, string, string][] = [
  ['a negative timeout', { timeout: -100 }, 'RangeError', 'ERR_OUT_OF_RANGE'],
  ['a timeout just below 0', { timeout: -Number.MIN_VALUE }, 'RangeError', 'ERR_OUT_OF_RANGE'],
  ['the timeout -Infinity', { timeout: Number.NEGATIVE_INFINITY }, 'RangeError', 'ERR_OUT_OF_RANGE'],
  ['the timeout NaN', { timeout: Number.NaN }, 'RangeError', 'ERR_OUT_OF_RANGE'],
  ['the timeout null', { timeout: null }, 'TypeError', 'ERR_INVALID_ARG'],
  ['a timeout in text', { timeout: '1' }, 'TypeError', 'ERR_INVALID_ARG'],
  ['a timeout of a bigint', { timeout: 1n }, 'TypeError', 'ERR_INVALID_ARG'],
  ['a symbol as timeout', { timeout: Symbol('soon') }, 'TypeError', 'ERR_INVALID_ARG'],
  ['a number instead of options', 100, 'TypeError', 'ERR_INVALID_ARG'],
  ['null instead of options', null, 'TypeError', 'ERR_INVALID_ARG'],
]

test.each(bad)('%s is refused by both forms, on a free and on a held mutex', async (_, value, name, code) => {
  const mutex = new Mutex()
  const options = value as { timeout?: number }
  for (let round = 0; round < 2; round++) {
    const before = stateOf(mutex)
    expect(thrownBy(() => mutex.acquireSync(options))).toMatchObject({ name, code })
    await expect(mutex.acquire(options)).rejects.toMatchObject({ name, code })
    expect(thrownBy(() => mutex.runExclusiveSync(() => {}, options))).toMatchObject({ name, code })
    await expect(mutex.runExclusive(() => {}, options)).rejects.toMatchObject({ name, code })
    expect(stateOf(mutex)).toBe(before)
    if (round === 0) mutex.acquireSync()
  }
})

test.each([
  ['null', null],
  ['a truthy value', true],
  ['a controller', new AbortController()],
  ['an object that only looks aborted or not', { aborted: false }],
  ['an object without removeEventListener', { aborted: false, addEventListener() {} }],
])('%s is no signal: it is refused on a held mutex, and the next waiter is not behind it', async (_, signal) => {
  const mutex = new Mutex()
  const guard = mutex.acquireSync()
  await expect(mutex.acquire({ signal: signal as AbortSignal })).rejects.toMatchObject({
    name: 'TypeError',
    code: 'ERR_INVALID_ARG',
  })
  const next = mutex.acquire()
  guard.release()
  ;(await next).release()
  expect(mutex.tryAcquire()?.held).toBe(true)
})

test('a signal whose addEventListener throws leaves no waiter behind', async () => {
  const mutex = new Mutex()
  const guard = mutex.acquireSync()
  const refusal = new Error('no listeners here')
  const signal = {
    aborted: false,
    addEventListener() {
      throw refusal
    },
    removeEventListener() {},
  }
  await expect(mutex.acquire({ signal: signal as unknown as AbortSignal })).rejects.toBe(refusal)
  guard.release()
  expect(mutex.tryAcquire()?.held).toBe(true)
})

test('undefined options, and undefined in each option, mean the default', async () => {
  const mutex = new Mutex()
  mutex.acquireSync(undefined).release()
  mutex.acquireSync({ timeout: undefined }).release()
  ;(await mutex.acquire({ timeout: undefined, signal: undefined })).release()
  expect(stateOf(mutex)).toBe(FREE)
})
