import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { patterns } from '@heddle/demo/patterns/catalogue.js'
import type { Pattern } from '@heddle/demo/patterns/pattern.js'
import { expect, test } from '@jest/globals'
import { sharedFilesOf } from './support/left-behind.js'
import { groupIsAlive, printed, runDemo, startDemo } from './support/run-demo.js'

const classes = [
  'ThreadPoolManager',
  'ThreadSafeCounter',
  'ThreadSafeQueue',
  'ProducerConsumer',
  'ReadWriteLock',
  'ThreadSafeCache',
  'Barrier',
  'Semaphore',
  'ProcessPoolManager',
  'SharedMemoryManager',
  'ProcessCommunication',
  'AsyncTaskManager',
  'AsyncProducerConsumer',
  'AsyncRateLimiter',
  'AsyncBatchProcessor',
]

/** What is no class: its kind, and what its title says. */
const others: readonly (readonly [Pattern['kind'], RegExp])[] = [
  ['example', /^producer-consumer example$/i],
  ['example', /worker_with_barrier/],
  ['example', /worker_with_semaphore/],
  ['example', /worker_process/],
  ['example', /cpu_intensive_task/],
  ['example', /example_async_producer/],
  ['example', /example_async_usage/],
  ['quick start', /threading for I\/O-bound tasks/i],
  ['quick start', /multiprocessing for CPU-bound tasks/i],
  ['quick start', /async for concurrent I\/O/i],
  ['set-up', /setup_concurrency_patterns|complete concurrency setup/i],
]

test('the catalogue holds each class, example, quick start and set-up of the document, once, and nothing else', () => {
  expect(
    patterns
      .filter(({ kind }) => kind === 'class')
      .map(({ title }) => title)
      .sort(),
  ).toEqual(classes.toSorted())
  const rest = patterns.filter(({ kind }) => kind !== 'class')
  const found = others.map(([kind, title]) => rest.filter((each) => each.kind === kind && title.test(each.title)))
  expect(found.map((each, index) => [others[index]?.[1], each.length])).toEqual(others.map(([, title]) => [title, 1]))
  expect(rest).toHaveLength(others.length)
})

test('names are unique and in kebab-case, those of classes are their titles', () => {
  const names = patterns.map(({ name }) => name)
  expect(names.filter((name) => !/^[a-z]+(-[a-z]+)*$/.test(name))).toEqual([])
  expect(new Set(names).size).toBe(names.length)
  const kebab = (title: string) => title.replaceAll(/(?<=.)[A-Z]/g, '-$&').toLowerCase()
  const ofClasses = patterns.filter(({ kind }) => kind === 'class')
  expect(ofClasses.map(({ name }) => name)).toEqual(ofClasses.map(({ title }) => kebab(title)))
})

test('no name, title or alias stands for two of them, and those of the document lead to its items', async () => {
  const bare = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  const words = patterns.map(({ name, title, aliases = [] }) => [...new Set([name, title, ...aliases].map(bare))])
  expect(new Set(words.flat()).size).toBe(words.flat().length)
  const nameOf = (word: string) => patterns[words.findIndex((own) => own.includes(bare(word)))]?.name
  expect(
    [
      'example_producer',
      'example_consumer',
      'example_multiprocessing',
      'example_process_pool',
      'example_async_producer',
      'example_async_consumer',
      'setup',
      'quick start 1',
      'quick start 2',
      'quick start 3',
    ].map(nameOf),
  ).toEqual([
    'producer-consumer-example',
    'producer-consumer-example',
    'worker-process',
    'cpu-intensive-task',
    'async-producer-consumer-example',
    'async-producer-consumer-example',
    'complete-setup',
    'quick-start-threading',
    'quick-start-multiprocessing',
    'quick-start-async',
  ])
})

test('what each one mends is one sentence of one line, and no two mend the same', () => {
  const lines = patterns.map(({ mends }) => mends)
  expect(lines.filter((line) => line.includes('\n') || /[.!?](\s|$)/.test(line) || line.trim() !== line)).toEqual([])
  expect(lines.filter((line) => line.length < 30)).toEqual([])
  expect(new Set(lines).size).toBe(lines.length)
})

test('each one needs packages of the family that are there', () => {
  for (const { packages } of patterns) {
    expect(packages.length).toBeGreaterThan(0)
    for (const name of packages)
      expect(
        existsSync(new URL(`../../../packages/${name.replace('@heddle/', '')}/package.json`, import.meta.url)),
      ).toBe(true)
  }
})

test('list names all, as lines and as one JSON array', async () => {
  const [text, json] = await Promise.all([runDemo(['list']), runDemo(['list', '--json'])])
  expect([text.code, text.stderr, json.code, json.stderr]).toEqual([0, '', 0, ''])
  expect(text.stdout.match(/^[a-z-]+(?= )/gm)).toEqual(patterns.map(({ name }) => name))
  expect(JSON.parse(json.stdout)).toEqual(
    patterns.map(({ name, title, kind, packages, mends }) => ({ name, title, kind, packages, mends })),
  )
})

test('run finds a pattern by the name of the document, and prints one JSON array on the standard output', async () => {
  const { code, stdout, stderr } = await runDemo(['run', 'ThreadSafeCounter', '--json'])
  expect([code, stderr]).toEqual([0, 'running thread-safe-counter\n'])
  expect(JSON.parse(stdout)).toMatchObject([{ name: 'thread-safe-counter', ok: true, problems: [], ended: true }])
})

test.each([
  [['run', 'counter'], 'there is no pattern "counter": perhaps thread-safe-counter'],
  [['run', 'thread-safe-counter', 'nonsense', '--json'], 'there is no pattern "nonsense": "list" names them all'],
  [['all', 'barrier'], '"barrier" is one word too many: to run one pattern write "run NAME"'],
])('%j is bad usage: exit code 2, one line with a hint, and nothing is run', async (args, message) => {
  expect(await runDemo(args)).toEqual({ code: 2, signal: null, stdout: '', stderr: `demo: ${message}\n` })
})

test('Ctrl-C in the middle of all ends it with 130, with no result and no process left', async () => {
  const { child, ended } = startDemo(['all', '--json'])
  await printed(child, `running ${patterns[1]?.name}\n`)
  process.kill(-(child.pid as number), 'SIGINT')
  const { code, stdout, stderr } = await ended
  expect([code, stdout]).toEqual([130, ''])
  expect(stderr.split('\n')).toEqual([
    `running ${patterns[0]?.name}`,
    `running ${patterns[1]?.name}`,
    'demo: ended by SIGINT',
    '',
  ])
  expect(groupIsAlive(child)).toBe(false)
})

test('all stops when nobody reads its output any more, and complains of nothing', async () => {
  const { child, ended } = startDemo(['all'])
  const begun = performance.now()
  await new Promise((resolve) => child.stdout?.once('data', resolve))
  child.stdout?.destroy()
  const { code, signal, stderr } = await ended
  const stoppedMs = performance.now() - begun
  expect([code, signal, stderr]).toEqual([0, null, ''])
  expect(groupIsAlive(child)).toBe(false)
  // All of them take longer, and one alone a second at most.
  expect(stoppedMs).toBeLessThan(8_000)
})

test('a signal in the middle of processes that share memory leaves no process and no segment', async () => {
  const { child, ended } = startDemo(['run', 'shared-memory-manager', 'barrier', '--json'])
  const group = child.pid as number
  let segments: string[] = []
  while (segments.length === 0 && child.exitCode === null) {
    segments = sharedFilesOf(group)
    await new Promise(setImmediate)
  }
  process.kill(group, 'SIGTERM')
  const { code, stdout, stderr } = await ended
  expect([code, stdout, stderr]).toEqual([143, '', 'running shared-memory-manager\ndemo: ended by SIGTERM\n'])
  expect(segments.length).toBeGreaterThan(0)
  expect(segments.filter((path) => existsSync(path))).toEqual([])
  expect(groupIsAlive(child)).toBe(false)
})

const fixture = fileURLToPath(new URL('./fixtures/hanging-patterns.mjs', import.meta.url))

test.each([
  ['quietly', false],
  ['for ever', false],
  ['politely', true],
])('a pattern that hangs %s is a row of the array; all ends with 1, and the process with it', async (how, ended) => {
  const { code, stdout, stderr } = await new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [fixture, how], { timeout: 20_000, killSignal: 'SIGKILL' }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? error?.signal ?? 0, stdout, stderr }),
    )
  })
  expect([code, stderr]).toEqual([1, 'running hangs\nrunning after-it\n'])
  expect(JSON.parse(stdout)).toMatchObject([
    { name: 'hangs', ok: false, ended },
    { name: 'after-it', ok: true, ended: true },
  ])
})
