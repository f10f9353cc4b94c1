import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { PatternRow } from '@heddle/demo/patterns/run-pattern.js'
import { expect, test } from '@jest/globals'

const fixture = fileURLToPath(new URL('./fixtures/run-pattern.mjs', import.meta.url))
/** A handle that is left keeps a process for longer than this, or for ever; what is measured stays far below. */
const soonMs = 2_000

interface Report {
  readonly row?: PatternRow
  readonly error?: string
  readonly isReason?: boolean
  readonly lines: readonly string[]
  /** From the abort until the pattern had ended. */
  readonly endedIn: number
  /** From then until the process had ended, by itself. */
  readonly exitedIn: number
}

/** Runs a pattern in a process of its own, which has to end by itself. */
async function run(path: string, abort: 'never' | 'at-once' | 'first-line'): Promise<Report> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [fixture, `patterns/${path}.js`, abort], {
    timeout: 20_000,
    killSignal: 'SIGKILL',
  })
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

const paths = [
  'async/async-task-manager',
  'async/async-producer-consumer',
  'async/async-rate-limiter',
  'async/async-batch-processor',
  'async/async-producer-consumer-example',
  'async/async-usage',
  'runbook/quick-start-async',
]

const ran = new Map<string, Report>()

async function linesOf(path: string): Promise<readonly string[]> {
  return (ran.get(path) ?? (await run(path, 'never'))).lines
}

test.each(paths)('%s comes to what it must, and its process ends by itself', async (path) => {
  const report = await run(path, 'never')
  ran.set(path, report)
  expect(report.error).toBeUndefined()
  expect(report.row).toMatchObject({ ok: true, problems: [], ended: true, packages: ['@heddle/async-patterns'] })
  expect(report.exitedIn).toBeLessThan(soonMs)
})

test.each(paths.flatMap((path) => [[path, 'at-once'] as const, [path, 'first-line'] as const]))(
  '%s ends soon after an abort (%s) with its reason, and leaves nothing',
  async (path, abort) => {
    const { error, isReason, endedIn, exitedIn } = await run(path, abort)
    expect([error, isReason]).toEqual(['Error: the test has aborted', true])
    expect(endedIn).toBeLessThan(soonMs)
    expect(exitedIn).toBeLessThan(soonMs)
  },
)

test('a batch processor prints the line of the document for two full batches and for the one whose time is over', async () => {
  expect(await linesOf('async/async-batch-processor')).toEqual([
    'Processing batch of 3 items',
    'Processing batch of 3 items',
    'Processing batch of 1 items',
  ])
})

const processing = /^Processing async: Async_Item_[0-9]+(\.[0-9]+)?$/

test('the example prints the line of the document for each item, ten at least', async () => {
  const lines = await linesOf('async/async-producer-consumer-example')
  expect(lines.length).toBeGreaterThanOrEqual(10)
  expect(lines.filter((line) => !processing.test(line))).toEqual([])
})

test('the usage prints the line of the document for each item, and what was handed back when it was stopped', async () => {
  const lines = await linesOf('async/async-usage')
  const others = lines.filter((line) => !processing.test(line))
  expect(others).toHaveLength(2)
  const [drained, stopped] = others.map((line) =>
    line
      .match(/^(\d+) processed, (\d+) handed back$/)
      ?.slice(1)
      .map(Number),
  )
  expect(drained?.[1]).toBe(0)
  expect((drained?.[0] as number) + (stopped?.[0] as number)).toBe(lines.length - others.length)
  // Three producers are faster than one consumer: something was left.
  expect(stopped?.[1]).toBeGreaterThan(0)
})

test('the other patterns say what they did', async () => {
  const manager = await linesOf('async/async-task-manager')
  // The first result was taken before all others were waited for, and is no row any more.
  expect(manager[0]).toMatch(/^async_task_1: \d+ lines$/)
  expect(manager.at(-1)).toMatch(/^read \d+ files, 4 at a time$/)
  expect(manager.at(-2)).toMatch(/^async_task_\d+: error$/)
  expect((await linesOf('async/async-producer-consumer')).at(-1)).toMatch(/^stopped at once: 50 consumed, \d+ handed/)
  expect((await linesOf('async/async-rate-limiter'))[0]).toBe('asked 7 times: 5 permits')
  expect(await linesOf('runbook/quick-start-async')).toEqual([
    `10 answers: ${[...Array(10).keys()].map((data) => `hello /${data}`).join(', ')}`,
  ])
})
