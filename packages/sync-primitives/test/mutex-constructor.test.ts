import { Mutex, type MutexGuard, type MutexOpenOptions, type MutexOptions } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import { stateOf } from './support/shared-words.js'
import { thrownBy } from './support/until.js'

const FREE = 0

const refused = { name: 'TypeError', code: 'ERR_INVALID_ARG' }

const bad: [string, unknown][] = [
  ['null', null],
  ['a number', 1],
  ['text', 'fair'],
  ['a function', () => {}],
  ['fair as a number', { fair: 1 }],
  ['fair as null', { fair: null }],
  ['an onOwnerDied that is no function', { onOwnerDied: {} }],
  ['detectDeadlocks in text', { detectDeadlocks: 'true' }],
]

test.each(bad)('%s is refused as options, by the constructor and by fromHandle', (_, options) => {
  const handle = new Mutex().toHandle()
  expect(thrownBy(() => new Mutex(options as MutexOptions<MutexGuard>))).toMatchObject(refused)
  expect(thrownBy(() => Mutex.fromHandle(handle, options as MutexOpenOptions<MutexGuard>))).toMatchObject(refused)
})

test('the handle of a mutex is no options of one', () => {
  const handle = new Mutex().toHandle() as unknown
  expect(thrownBy(() => new Mutex(handle as MutexOptions<MutexGuard>))).toMatchObject(refused)
})

test('undefined in each option of the constructor means the default', () => {
  for (const options of [undefined, {}, { fair: undefined, memory: undefined, onOwnerDied: undefined }]) {
    const mutex = new Mutex(options)
    mutex.acquireSync().release()
    expect(stateOf(mutex)).toBe(FREE)
  }
})
