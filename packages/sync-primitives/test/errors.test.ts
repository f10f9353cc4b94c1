import {
  InternalError,
  LockStateError,
  Mutex,
  Semaphore,
  ThreadSafeCounter,
  TimeoutError,
} from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { wordsUnder } from './support/shared-words.js'
import { thrownBy } from './support/until.js'

const thrown: [string, () => unknown, string, string, new (...parameters: never[]) => Error][] = [
  ['a release without a guard', () => new Mutex().release(), 'LockStateError', 'ERR_NOT_OWNER', LockStateError],
  ["a lock on top of one's own", twice, 'LockStateError', 'ERR_ALREADY_OWNED', LockStateError],
  [
    'a permit too many',
    () => new Semaphore(1, { maxPermits: 1 }).release(),
    'LockStateError',
    'ERR_OVER_RELEASE',
    LockStateError,
  ],
  [
    'a time that is up',
    () => new Semaphore(0).acquireSync({ timeout: 0 }),
    'TimeoutError',
    'ERR_TIMEOUT',
    TimeoutError,
  ],
  ['a broken word', broken, 'InternalError', 'ERR_INTERNAL', InternalError],
  ['a bad argument', () => new Semaphore('1' as never), 'TypeError', 'ERR_INVALID_ARG', TypeError],
  ['a bad number', () => new ThreadSafeCounter(0.5), 'RangeError', 'ERR_OUT_OF_RANGE', RangeError],
  ['a bad handle', () => Mutex.fromHandle(null as never), 'TypeError', 'ERR_BAD_HANDLE', TypeError],
]

describe.each(thrown)('%s', (_, call, name, code, errorClass) => {
  const error = thrownBy(call) as Error & { code: string }

  test(`is a ${name} with the code ${code}`, () => {
    expect(error).toBeInstanceOf(errorClass)
    expect(error).toBeInstanceOf(Error)
    expect({ name: error.name, code: error.code }).toEqual({ name, code })
    expect(error.message).not.toBe('')
    expect(String(error)).toBe(`${name}: ${error.message}`)
  })

  test('says its name and its message at the head of its stack, and where it was thrown', () => {
    expect(error.stack?.split('\n')[0]).toBe(`${name}: ${error.message}`)
    expect(error.stack).toContain('errors.test.ts')
  })
})

test('the error of an awaited wait has the same class, name and code as that of a blocking one', async () => {
  const semaphore = new Semaphore(0)
  const error = await semaphore.acquire({ timeout: 0 }).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(TimeoutError)
  expect(error).toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
  expect((error as Error).stack?.split('\n')[0]).toMatch(/^TimeoutError: /)
})

test('an error class of ours can be made by hand, with a code of its own', () => {
  const error = new LockStateError('ERR_NOT_OWNER', 'by hand')
  expect({ name: error.name, code: error.code, message: error.message }).toEqual({
    name: 'LockStateError',
    code: 'ERR_NOT_OWNER',
    message: 'by hand',
  })
  expect(Object.keys(error)).toEqual(['code'])
})

function twice(): void {
  const mutex = new Mutex()
  mutex.acquireSync()
  mutex.acquireSync()
}

function broken(): void {
  const mutex = new Mutex()
  const guard = mutex.acquireSync()
  const { words, state } = wordsUnder(mutex)
  Atomics.store(words, state, 0)
  guard.release()
}
