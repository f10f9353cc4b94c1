import { linkSync } from 'node:fs'
import { constants } from 'node:os'
import { afterEach, expect, test } from '@jest/globals'
import { groupIsAlive, printed, startDemo } from './support/run-demo.js'
import { temporaryFolders } from './support/temporary-folder.js'

const folders = temporaryFolders()
afterEach(folders.removeAll)

/** A folder that takes long to index and little to make: many names of one file. */
function largeFolder(names: number): string {
  const folder = folders.make()
  const file = folder.write('0', 'All work and no play makes Jack a dull boy. '.repeat(200_000))
  for (let index = 1; index < names; index++) linkSync(file, `${folder.path}/${index}`)
  return folder.path
}

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s ends a run at once with exit code %d, and leaves nothing', async (signal, exitCode) => {
  const { child, ended } = startDemo(['--input', largeFolder(500)])
  await printed(child, 'indexing')
  process.kill(child.pid as number, signal)
  const { code, stdout, stderr } = await ended
  expect([code, stdout, stderr.split('\n').slice(1)]).toEqual([exitCode, '', [`demo: ended by ${signal}`, '']])
  expect(groupIsAlive(child)).toBe(false)
})

test('the same signal once more, from the terminal and from a runner, changes nothing', async () => {
  const { child, ended } = startDemo(['--input', largeFolder(500), '--json'])
  await printed(child, 'indexing')
  process.kill(-(child.pid as number), 'SIGINT')
  process.kill(child.pid as number, 'SIGINT')
  const { code, signal, stdout, stderr } = await ended
  // One that comes when Node has taken its handlers down kills: to a shell that is the same.
  expect([code ?? 128 + constants.signals[signal as 'SIGINT'], stdout]).toEqual([130, ''])
  expect(stderr).toMatch(/\ndemo: ended by SIGINT\n$/)
  expect(groupIsAlive(child)).toBe(false)
})

test('a signal also ends the run in one thread', async () => {
  const { child, ended } = startDemo(['--input', largeFolder(4), '--verify'])
  await printed(child, 'verifying')
  process.kill(child.pid as number, 'SIGINT')
  const { code, stdout } = await ended
  expect([code, stdout]).toEqual([130, ''])
})
