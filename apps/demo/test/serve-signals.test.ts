import { existsSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { becomesTrue, childrenOf, isAlive, sharedFilesOf } from './support/left-behind.js'
import { LivePage } from './support/live-page.js'
import { groupIsAlive, runDemo } from './support/run-demo.js'

/** A page on which processes run, and what there is of them. */
async function withProcesses() {
  const page = await LivePage.start()
  const server = page.child.pid as number
  const watching = await page.watch()
  expect((await page.act({ do: 'start', scenario: 'processes' })).status).toBe(204)
  await watching.until(
    'all have begun',
    ({ lanes }) => lanes.length === 3 && lanes.every(({ state }) => state !== 'starting'),
  )
  const children = childrenOf(server)
  const shared = [server, ...children].flatMap(sharedFilesOf)
  expect([children.length, shared.length > 0]).toEqual([3, true])
  return { page, server, children, shared }
}

test.each([
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s ends the page within a second with exit code %d, and its processes with it', async (name, exitCode) => {
  const { page, children, shared } = await withProcesses()
  page.child.kill(name)
  // A second after a signal the command is ended by force, and has no exit code then.
  const { code, signal, stdout } = await page.ended
  expect([code, signal, stdout]).toEqual([exitCode, null, `${page.url}\n`])
  expect(groupIsAlive(page.child)).toBe(false)
  expect([children.filter(isAlive), shared.filter(existsSync)]).toEqual([[], []])
})

test('Ctrl-C, which reaches all processes of the terminal, ends it in the same way', async () => {
  const { page, children, shared } = await withProcesses()
  process.kill(-(page.child.pid as number), 'SIGINT')
  const { code, stderr } = await page.ended
  expect([code, stderr.split('\n').at(-2)]).toEqual([130, 'demo: ended by SIGINT'])
  expect([children.filter(isAlive), shared.filter(existsSync)]).toEqual([[], []])
})

test('when the server is killed, its processes end by themselves, and take the segment along', async () => {
  const { page, children, shared } = await withProcesses()
  page.child.kill('SIGKILL')
  await becomesTrue('the processes have ended', () => !children.some(isAlive))
  expect(shared.filter(existsSync)).toEqual([])
  await page.ended
})

test.each(['locks', 'pool'])('a signal right behind the start of "%s" ends it as well', async (scenario) => {
  const page = await LivePage.start()
  await page.act({ do: 'start', scenario })
  const { code, signal, stderr } = await page.end()
  expect([code, signal, stderr.split('\n').slice(1)]).toEqual([130, null, ['demo: ended by SIGINT', '']])
})

test('what cannot be served is one line and exit code 2', async () => {
  const page = await LivePage.start()
  const taken = await runDemo(['serve', '--port', `${page.port}`])
  expect([taken.code, taken.stderr]).toEqual([
    2,
    `demo: port ${page.port} is in use: give another one with --port N, or none\n`,
  ])
  for (const options of [['--host', '0.0.0.0'], ['here']]) {
    const { code, stdout, stderr } = await runDemo(['serve', ...options])
    expect([options, code, stdout, stderr.split('\n').length]).toEqual([options, 2, '', 2])
  }
  const { port } = page
  await page.end()
  const again = await LivePage.start('--port', `${port}`)
  expect(again.port).toBe(port)
  await again.end()
})
