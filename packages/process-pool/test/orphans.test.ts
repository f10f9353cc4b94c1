import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from '@jest/globals'
import { Gate } from '../../pool-core/test/support/gate.js'
import { isAlive, until } from '../../pool-core/test/support/observe.js'

const script = fileURLToPath(new URL('./fixtures/parent.mjs', import.meta.url))

/** Milliseconds that an orphan may live. */
const limit = 2_000

const orphans: number[] = []

afterEach(() => {
  for (const pid of orphans.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
})

test.each([
  ['is idle, whatever timers a task has left there', 'SIGKILL'],
  ['is idle, whatever timers a task has left there', 'SIGTERM'],
  ['is idle, whatever timers a task has left there', 'process.exit'],
  ['is idle, whatever timers a task has left there', 'an uncaught exception'],
  ['loops', 'SIGKILL'],
  ['loops', 'SIGTERM'],
  ['loops', 'SIGINT'],
  ['loops', 'process.exit'],
  ['loops', 'an uncaught exception'],
])('a worker that %s is gone within two seconds after its program was ended by %s', async (does, ends) => {
  const gate = new Gate()
  const parent = spawn(process.execPath, [script, gate.dir, does.split(',')[0] as string, ends], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const exit = once(parent, 'exit')
  const [line] = (await once(parent.stdout, 'data')) as [Buffer]
  const pid = Number(String(line))
  orphans.push(pid)
  if (ends.startsWith('SIG')) parent.kill(ends as NodeJS.Signals)
  await exit
  const ended = performance.now()
  await until(() => !isAlive(pid), 'the end of the orphan')
  expect(performance.now() - ended).toBeLessThan(limit)
})
