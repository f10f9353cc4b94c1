import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'

/** What the process printed; rejects if it fails or does not end by itself. */
async function printedBy(fixture: string, ...parameters: string[]): Promise<string> {
  const file = fileURLToPath(new URL(`./fixtures/${fixture}`, import.meta.url))
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file, ...parameters], { timeout: 20_000 })
  expect(stderr).toBe('')
  return stdout
}

test.each([
  ['a mutex', 'mutex', 'at the top level', 'acquired\n'],
  ['a semaphore', 'semaphore', 'at the top level', 'acquired\n'],
  ['a mutex', 'mutex', 'with a timeout of 25 days', 'acquired\n'],
  ['a mutex', 'mutex', 'that only times out', 'ERR_TIMEOUT\n'],
  ['a mutex', 'mutex', 'behind one that gave up', 'acquired\n'],
  ['a semaphore', 'semaphore', 'after an abort of several', 'acquired\n'],
])('a pending acquire of %s (%s, %s) keeps the process alive until it is settled', async (_, lock, form, printed) => {
  expect(await printedBy('pending-acquire.mjs', lock, form)).toBe(printed)
})

test('a pending acquire keeps its thread alive until it is settled', async () => {
  expect(await printedBy('pending-in-thread.mjs')).toBe('acquired in the thread\nthe thread ended with 0\n')
})

test('locks that nobody waits for do not keep the process alive, however their waits have ended', async () => {
  expect(await printedBy('idle-locks.mjs')).toBe('the main script is through\n')
})
