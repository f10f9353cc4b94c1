import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from '@jest/globals'
import { isAlive, until } from '../../pool-core/test/support/observe.js'
import { engines } from './fixtures/local-engines.mjs'
import { parentOf } from './fixtures/local-processes.mjs'

const script = fileURLToPath(new URL('./fixtures/local-program.mjs', import.meta.url))

interface Told {
  readonly pid: number
  readonly dataDir: string
}

interface Program {
  readonly process: ChildProcess
  readonly exit: Promise<unknown[]>
  nextLine(): Promise<Told>
}

const programs: ChildProcess[] = []
const folders: string[] = []
const servers: number[] = []

/** It leads a process group, as a program does that a shell has started. */
function startProgram(engine: string, does: string, temporary?: string): Program {
  const child = spawn(process.execPath, [script, engine, does], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
    env: temporary === undefined ? process.env : { ...process.env, TMPDIR: temporary },
  })
  programs.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    process: child,
    exit: once(child, 'exit'),
    nextLine: async () => JSON.parse(String((await lines.next()).value)),
  }
}

/** A program that has a server, and what is to be gone with it. */
async function startWithServer(engine: string, does: string) {
  const program = startProgram(engine, does)
  const { pid, dataDir } = await program.nextLine()
  servers.push(pid)
  const isGone = () => !isAlive(pid) && !existsSync(dataDir)
  return { ...program, pid, isGone }
}

function newTemporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-test-'))
  // Of root, PostgreSQL runs as another user.
  chmodSync(folder, 0o755)
  folders.push(folder)
  return folder
}

/** What servers have made in it: the copy of a PostgreSQL that others cannot read is to stay. */
function serverFolders(temporary: string): string[] {
  return readdirSync(temporary).filter((name) => /^heddle-(redis|postgres)-\w+$/.test(name))
}

afterEach(() => {
  for (const child of programs.splice(0)) child.kill('SIGKILL')
  for (const pid of servers.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

describe.each(engines)('a local server of %s', (engine) => {
  test('does not keep a program alive that does nothing else, and ends with it', async () => {
    const { exit, isGone, pid } = await startWithServer(engine, 'nothing')
    expect(await exit).toEqual([0, null])
    await until(isGone, `the end of the server ${pid}`)
  })

  test.each(['SIGKILL', 'SIGTERM'] as const)(
    'ends, and its folder with it, when the program was ended by %s',
    async (signal) => {
      const { process: program, exit, isGone } = await startWithServer(engine, 'waits')
      expect(isGone()).toBe(false)
      program.kill(signal)
      expect(await exit).toEqual([null, signal])
      await until(isGone, 'the end of the server')
    },
  )

  test('ends, and its folder with it, when the whole process group was ended by SIGKILL', async () => {
    const { process: program, exit, isGone } = await startWithServer(engine, 'waits')
    process.kill(-(program.pid as number), 'SIGKILL')
    expect(await exit).toEqual([null, 'SIGKILL'])
    await until(isGone, 'the end of the server')
  })

  test('is still there for a program that ends at Ctrl-C, which goes to its whole process group', async () => {
    const program = await startWithServer(engine, 'asks at Ctrl-C')
    const keeper = parentOf(program.pid)
    process.kill(-(program.process.pid as number), 'SIGINT')
    expect(await program.nextLine()).toBe('is there')
    await program.exit
    await until(() => program.isGone() && !isAlive(keeper), 'the end of the server')
  })

  test('is looked after and restarted, whatever its keeper is asked to do by a signal', async () => {
    const program = await startWithServer(engine, 'restarts at Ctrl-C')
    const keeper = parentOf(program.pid)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(keeper, signal)
    program.process.kill('SIGINT')
    expect(await program.nextLine()).toBe('is there')
  })

  test('leaves nothing if the program was killed while it started', async () => {
    const temporary = newTemporaryFolder()
    const { process: program, exit } = startProgram(engine, 'waits', temporary)
    await until(() => serverFolders(temporary).length > 0, 'the begin of the start')
    program.kill('SIGKILL')
    expect(await exit).toEqual([null, 'SIGKILL'])
    await until(() => serverFolders(temporary).length === 0, 'the end of the start')
  })
})

test('a start that takes too long leaves nothing', async () => {
  const temporary = newTemporaryFolder()
  const program = startProgram('postgres', 'is too slow', temporary)
  expect(await program.nextLine()).toMatchObject({ code: 'ERR_NO_SERVER', message: expect.stringContaining('200 ms') })
  expect(serverFolders(temporary)).toEqual([])
  await program.exit
})
