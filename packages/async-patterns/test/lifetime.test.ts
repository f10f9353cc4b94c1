import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'

/** What the fixture prints until it ends by itself; throws if it has not ended after a while. */
function run(fixture: string, ...args: string[]): string {
  const file = fileURLToPath(new URL(`fixtures/${fixture}`, import.meta.url))
  const flags = [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    '--expose-gc',
    '--max-semi-space-size=64',
  ]
  return execFileSync(process.execPath, [...flags, file, ...args], { encoding: 'utf8', timeout: 20_000 })
}

// A8
describe('a pending wait keeps the process alive', () => {
  test('until a timer that does not do so has released', () => {
    expect(run('lifetime.mjs', "release by an unref'd timer")).toBe('acquired 1\n')
  })

  test('until a signal that does not do so has aborted', () => {
    expect(run('lifetime.mjs', 'AbortSignal.timeout')).toBe('TimeoutError 23\n')
  })

  test('until its own timeout', () => {
    expect(run('lifetime.mjs', 'timeout')).toBe('TimeoutError ERR_TIMEOUT\n')
  })
})

test('a semaphore on which nobody waits does not keep the process alive', () => {
  expect(run('lifetime.mjs', 'idle')).toBe('acquired 1\nClosedError ERR_CLOSED\n')
})

test('the package needs nothing of Node: timers, a clock and signals are enough', () => {
  expect(run('bare-realm.mjs')).toBe('ERR_TIMEOUT aborted true ERR_CLOSED\n')
})

test('an acquisition that need not wait allocates its guard and one promise', () => {
  const surplus = Number(run('allocation.mjs'))
  // Any further object takes 16 bytes or more.
  expect(surplus).toBeLessThan(12)
})
