import vm from 'node:vm'
import { SharedDict, ThreadSafeCache } from '@heddle/shared-memory'
import { expect, test } from '@jest/globals'
import { outcomeOf } from './support/outcome.js'

/** What comes to an end that runs no `finally` is ended when the turn is over. */
const afterThisTurn = () => new Promise(setImmediate)

test('an update that is cut off by the end of the stack leaves its entry free for others', async () => {
  const dict = new SharedDict<number>()
  dict.set('x', 1)
  for (let round = 0; round < 20; round++) {
    const recurse = (): void => {
      outcomeOf(() => dict.update('x', (value) => (value ?? 0) + 1))
      recurse()
    }
    expect(outcomeOf(recurse)).toBeInstanceOf(RangeError)
    await afterThisTurn()
    expect(dict.update('x', () => round, { timeout: 0 })).toBe(round)
  }
})

test('an update that is cut off by a time limit leaves its entry as it was, and free for others', async () => {
  const dict = new SharedDict<number>()
  dict.set('k', 5)
  const context = { dict }
  for (const key of ['k', 'new'])
    expect(() => vm.runInNewContext(`dict.update('${key}', () => { for (;;); })`, context, { timeout: 50 })).toThrow(
      'timed out',
    )
  await afterThisTurn()
  expect([dict.get('k'), dict.has('new')]).toEqual([5, false])
  expect(dict.update('k', (value) => (value ?? 0) + 1, { timeout: 0 })).toBe(6)
  dict.set('new', 1)
  expect(dict.size).toBe(2)
})

test('a computation that is cut off by a time limit lets the next one compute', async () => {
  const cache = new ThreadSafeCache<number>()
  const context = { cache }
  expect(() =>
    vm.runInNewContext("cache.getOrComputeSync('k', () => { for (;;); })", context, { timeout: 50 }),
  ).toThrow('timed out')
  await afterThisTurn()
  expect(cache.getOrComputeSync('k', () => 7, { timeout: 0 })).toBe(7)
})
