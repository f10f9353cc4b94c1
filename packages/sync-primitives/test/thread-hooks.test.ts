import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'

/** What a new process saw in which the pool's side and the package came in that order. */
async function seenIn(order: string): Promise<unknown> {
  const file = fileURLToPath(new URL('./fixtures/thread-hooks.mjs', import.meta.url))
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file, order], { timeout: 20_000 })
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

test('a worker that was there before the package is tracked when that is loaded, a later one by trackWorker', async () => {
  expect(await seenIn('pool first')).toEqual({
    isSame: true,
    held: 0,
    heldThere: 1,
    listeners: [1, 1],
    alive: [true, true, false, true, false, false],
  })
})

test('the package enters its two hooks if it comes first, and a worker gets one listener however often it is told', async () => {
  expect(await seenIn('package first')).toEqual({
    fields: ['heldGuards', 'trackWorker'],
    listeners: [0, 1],
    held: [1, 0],
  })
})

test('of a package that is loaded twice, the guards of both count, and both learn of a worker', async () => {
  expect(await seenIn('package twice')).toEqual({
    isAnother: true,
    held: [3, 2, 1, 0],
    alive: [true, true, false, false],
  })
})
