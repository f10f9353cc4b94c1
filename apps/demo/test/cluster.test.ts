import { readdirSync } from 'node:fs'
import { constants } from 'node:os'
import { LocalServer } from '@heddle/cluster-pool'
import { accountOf } from '@heddle/demo/index-job/cluster/account.js'
import { afterEach, describe, expect, test } from '@jest/globals'
import { familyOf } from './support/family-of.js'
import { becomesTrue, isAlive } from './support/left-behind.js'
import { naiveIndex } from './support/naive-index.js'
import { groupIsAlive, printed, runDemo, startDemo } from './support/run-demo.js'
import { type TemporaryFolder, temporaryFolders } from './support/temporary-folder.js'

const folders = temporaryFolders()
afterEach(folders.removeAll)

const hasRedis = await LocalServer.isAvailable('redis')
if (!hasRedis) console.log('no redis-server and no valkey-server on PATH: these tests run on PostgreSQL alone')
const engines = hasRedis ? (['redis', 'postgres'] as const) : (['postgres'] as const)
const quickest = engines[0]

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return startDemo(['cluster', ...args], undefined, 'pipe', env)
}

/** A folder that makes some batches, and has something of most kinds. */
function someFiles(): TemporaryFolder {
  const folder = folders.make()
  for (let index = 0; index < 120; index++)
    folder.write(
      `${index % 7}/${index}.txt`,
      `word${index} shared ${index % 50} Straße ΟΔΟΣ 日本語 `.repeat(1 + (index % 9)),
    )
  folder.write('empty', '')
  folder.write('binary', 'one\0two')
  folder.write('latin1.txt', Buffer.from('caf\xe9 cr\xe8me', 'latin1'))
  return folder
}

describe.each(engines)('on %s', (engine) => {
  test('two nodes, of which one is killed half-way, come to the naive result, and what it had in hand is run again', async () => {
    const { path } = someFiles()
    const { code, stdout, stderr } = await runDemo(['cluster', '--engine', engine, '--input', path, '--json'])
    const report = JSON.parse(stdout)
    const { top: _, ...naive } = naiveIndex(path)
    expect(report).toMatchObject({
      ...naive,
      command: 'cluster',
      engine,
      server: null,
      lockDuration: 2_000,
      stalledInterval: 1_000,
      problems: [],
      verify: { agree: true, differences: [], oneThread: naive },
    })
    expect(code).toBe(0)
    const { nodes, killed, lost, runAgain, runAgainSeconds } = report
    expect(killed.batches).toBeGreaterThan(2)
    expect(killed.batchesIn).toBeGreaterThanOrEqual(Math.floor(killed.batches / 2))
    expect(killed.batchesIn).toBeLessThan(killed.batches)
    expect(killed.pid).toBe(nodes[killed.node - 1].pid)
    expect(lost).toBeGreaterThan(0)
    expect(runAgain).toBe(lost)
    expect(runAgainSeconds).toBeGreaterThan(0)
    expect(nodes).toHaveLength(2)
    expect(nodes[0].batches + nodes[1].batches).toBe(killed.batches)
    expect(nodes.map(({ pid }: { pid: number }) => pid).filter(isAlive)).toEqual([])
    const server = stderr.match(new RegExp(`^the server is ${engine}, process (\\d+), started in`, 'm'))?.[1]
    expect(isAlive(Number(server))).toBe(false)
    expect(stderr).toContain('skipped: binary (binary file')
  })

  test('Ctrl-C ends the nodes and the server, and leaves no process and no folder', async () => {
    const folder = folders.make().path
    const { child, ended } = start(['--engine', engine, '--input', someFiles().path], { TMPDIR: folder })
    await printed(child, 'killed node')
    const family = familyOf(child.pid as number)
    // The other node, the process that looks after the server, and the server.
    expect(family.length).toBeGreaterThanOrEqual(3)
    // The terminal signals the whole group.
    process.kill(-(child.pid as number), 'SIGINT')
    const { code, signal, stdout, stderr } = await ended
    // The client of Redis keeps a timer for some time after large answers: then the signal itself ends the demo after a second.
    const exitCode = code ?? 128 + constants.signals[signal as 'SIGINT']
    expect([exitCode, stdout, stderr.split('\n').slice(-2)]).toEqual([130, '', ['demo: ended by SIGINT', '']])
    expect(groupIsAlive(child)).toBe(false)
    expect(family.filter(isAlive)).toEqual([])
    expect(readdirSync(folder)).toEqual([])
  })
})

test('Ctrl-C while the server starts leaves no process', async () => {
  const { child, ended } = start(['--engine', 'postgres', '--input', someFiles().path])
  await printed(child, 'starting a server')
  await becomesTrue('the process that looks after the server has begun', () => familyOf(child.pid as number).length > 0)
  const family = familyOf(child.pid as number)
  process.kill(child.pid as number, 'SIGINT')
  const { code, signal, stdout, stderr } = await ended
  // When the start goes on for longer than a second, the signal itself ends the demo: to a shell that is the same.
  expect([code ?? 128 + constants.signals[signal as 'SIGINT'], stdout]).toEqual([130, ''])
  expect(stderr).toMatch(/\ndemo: ended by SIGINT\n$/)
  await becomesTrue('all have ended', () => !family.some(isAlive))
})

test('when the demo itself is killed by SIGKILL, its nodes and its server end', async () => {
  const folder = folders.make().path
  const { child, ended } = start(['--engine', quickest, '--input', someFiles().path], { TMPDIR: folder })
  await printed(child, 'killed node')
  const family = familyOf(child.pid as number)
  expect(family.length).toBeGreaterThanOrEqual(3)
  process.kill(child.pid as number, 'SIGKILL')
  await ended
  await becomesTrue('all have ended', () => !family.some(isAlive))
})

test('a node that somebody else kills ends the run with a line that says so', async () => {
  const { child, ended } = start(['--engine', quickest, '--input', someFiles().path])
  let stderr = ''
  child.stderr?.on('data', (text: string) => {
    stderr += text
  })
  await printed(child, 'killed node')
  const killed = stderr.match(/killed node (\d)/)?.[1]
  const other = [...stderr.matchAll(/node (\d) \(process (\d+)\)/g)].find(([, index]) => index !== killed)
  const [, index, pid] = other as unknown as [string, string, string]
  process.kill(Number(pid), 'SIGKILL')
  const { code, stdout, stderr: whole } = await ended
  expect([code, stdout]).toEqual([1, ''])
  expect(whole).toMatch(
    new RegExp(`\\ndemo: something inside failed: Error: node ${index} has ended, and nobody has asked it to\\n$`),
  )
})

test('a server that HEDDLE_URL names is used, by one demo at a time, and left; the report is for people', async () => {
  const { path } = someFiles()
  await using server = await LocalServer.start({ engine: quickest, durable: false })
  const { child, ended } = start(['--input', path], { HEDDLE_URL: server.url })
  await printed(child, 'indexing')
  const second = await runDemo(['cluster', '--input', path, '--url', server.url])
  expect([second.code, second.stdout, second.stderr]).toEqual([
    2,
    '',
    'demo: another demo runs on this server: wait for its end, or give another one with --url URL\n',
  ])
  const { code, stdout, stderr } = await ended
  expect(code).toBe(0)
  for (const line of [
    `server      ${quickest}, at ${new URL(server.url).host}\n`,
    'locks       of 2.00 s, looked at every 1.00 s',
    'by SIGKILL, when',
    `sha256      ${naiveIndex(path).sha256}\n`,
    'verified    both runs agree',
  ])
    expect(stdout).toContain(line)
  expect(stdout).toMatch(/\nrun again {3}[12] batch(es)?, .*s after the kill\n/)
  expect(stdout + stderr).not.toContain(new URL(server.url).password)
  expect(isAlive(server.pid)).toBe(true)
})

const onLinux = process.platform === 'linux' ? test : test.skip
onLinux('files that read different each time are told, and the exit code is 1', async () => {
  const { code, stdout } = await runDemo(['cluster', '--engine', quickest, '--input', '/proc/sys/kernel/random'])
  expect(code).toBe(1)
  expect(stdout).toContain('NOT EQUAL')
})

test('bad usage is one clear line and exit code 2', async () => {
  const { path } = folders.make()
  const cases: [string[], string][] = [
    [['there'], 'cluster takes options alone, and not "there": --help lists them'],
    [['--engine', 'mysql'], '--engine takes redis or postgres, not "mysql"'],
    [
      ['--engine', 'redis', '--url', 'redis://127.0.0.1'],
      '--engine is for a server that is started here: leave it out, or --url',
    ],
    [['--input', `${path}/none`], `there is no folder ${path}/none: give one that exists with --input DIR`],
    [
      ['--url', 'http://me:secret@127.0.0.1'],
      '--url and HEDDLE_URL name a server: url must begin with redis://, rediss://, postgres://, postgresql://',
    ],
  ]
  const ended = await Promise.all(cases.map(([args]) => runDemo(['cluster', ...args, '--json'])))
  expect(ended.map(({ code, stdout, stderr }) => [code, stdout, stderr])).toEqual(
    cases.map(([, line]) => [2, '', `demo: ${line}\n`]),
  )
  const empty = await runDemo(['cluster', '--engine', quickest, '--input', path])
  expect([empty.code, empty.stdout]).toEqual([2, ''])
  expect(empty.stderr).toMatch(/\ndemo: there is no file in it, so there is nothing to lose: [^\n]*\n$/)
})

describe('the account of a run', () => {
  const node = (pid: number, begun: readonly (readonly [number, number])[]) => ({ pid, begun: new Map(begun) })
  const one = node(1, [
    [0, 10],
    [2, 30],
    [3, 2_500],
  ])
  const two = node(2, [
    [1, 15],
    [3, 40],
  ])
  const kill = { node: two, at: 100, done: 2, batches: 4 }

  test('counts as lost what the killed node had begun and another has done, from the kill until it began again', () => {
    expect(accountOf([one, two], { kill, doneBy: [1, 2, 1, 1] })).toEqual({
      killed: 2,
      lost: 1,
      again: 1,
      againMs: 2_400,
      done: [3, 1],
      problems: [],
    })
  })

  test.each([
    ['no node was killed', undefined, [1, 2, 1, 2]],
    ['the node that was killed had nothing in hand', kill, [1, 2, 1, 2]],
    ['1 of the lost batches were not run again', kill, [1, 2, 1, 9]],
  ] as const)('is not right when %s', (problem, death, doneBy) => {
    expect(accountOf([one, two], { kill: death, doneBy }).problems).toEqual([problem])
  })
})
