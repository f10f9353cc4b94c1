import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'

const file = fileURLToPath(new URL('fixtures/lifetime.mjs', import.meta.url))

/** What the case prints until the program ends by itself; throws if it fails, or has not ended after a while. */
async function run(name: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [file, name], { timeout: 20_000 })
  return stdout.trimEnd().split('\n')
}

test.each([
  ['group: a task', ['done']],
  ['group: a task that waits', ['second']],
  ['group: the body of a scope', ['body']],
  ['group: its time', ['ERR_TIMEOUT']],
  ['retry: an attempt', ['attempt']],
  ['retry: a pause', ['1']],
  ['single flight: a call', ['call']],
  ['single flight: who waits for the end of a call that was left', ['anew']],
])('the process is kept alive by what is pending: %s', async (name, lines) => {
  expect(await run(name)).toEqual(lines)
})

test.each([
  ['group: idle', ['[ 1, 2 ]']],
  ['retry: idle', ['at once', 'ERR_TIMEOUT', 'ERR_TIMEOUT']],
  ['single flight: idle', ['ERR_TIMEOUT', 'TimeoutError']],
])('nothing keeps it alive when all has settled: %s', async (name, lines) => {
  expect((await run(name)).sort()).toEqual(lines.sort())
})

test('failures of a group that nobody looks at are no unhandled rejections, and join has them all', async () => {
  expect(await run('group: failures that nobody looks at')).toEqual(['Error: first,Error: clean-up'])
})
