import { availableParallelism } from 'node:os'
import type { Command } from '../cli/command.js'
import { DONE, FAILED, UsageError } from '../cli/exit-codes.js'
import { counted } from '../cli/figures.js'
import { compareResults } from '../index-job/compare.js'
import type { FullFigures, FullOptions } from '../index-job/full/run-in-full.js'
import { type JobOptions, newProgress } from '../index-job/job.js'
import type { IndexResult } from '../index-job/merge.js'
import type { Note } from '../index-job/notes.js'
import { indexInOneThread } from '../index-job/run-in-one-thread.js'
import { indexInPool } from '../index-job/run-in-pool.js'
import { printable, printableJson } from '../printable.js'
import { openInput } from './index-input.js'
import { describeFurtherNotes, describeNote, jsonReport, type Report, textReport } from './index-report.js'
import { measureRun } from './measure-run.js'

const mostWorkers = 256
const mostTop = 100_000
/** Threads, with as many processes beside them, that may share one segment. */
const mostSharers = 60
const mostRate = 10_000_000
/** More than disks and processors come to today, so that it is a guard and no brake. */
const standardRate = 100_000

/** Indexes a folder in a thread pool. */
export const indexCommand: Command = {
  name: 'index',
  summary: 'counts the words of all files below a folder and hashes them, in a pool of threads',
  options: [
    { name: 'input', value: 'DIR', help: "the folder; without it this repository's Markdown and TypeScript" },
    { name: 'ext', value: 'LIST', help: 'only files with these endings, such as md,ts; case does not matter' },
    { name: 'workers', value: 'N', help: 'threads in the pool (default: the processors at hand)' },
    { name: 'top', value: 'N', help: 'how many of the most frequent words to print (default: 10)' },
    { name: 'full', help: 'with the whole family: processes, shared memory, queues and a database as well' },
    { name: 'rate', value: 'N', help: 'with --full: so many files a second at most (default: 100,000)' },
    { name: 'database', value: 'FILE', help: 'with --full: where the database stays (default: it is removed)' },
    { name: 'verify', help: 'do all again in one thread without the pool, and compare everything' },
    { name: 'json', help: 'print one JSON object and nothing else on the standard output' },
  ],
  async run(words, values, context) {
    if (words[0] !== undefined) throw unexpected(words[0])
    const full = values.has('full')
    for (const name of ['rate', 'database'])
      if (values.has(name) && !full) throw new UsageError(`--${name} is for the whole family: add --full`)
    const most = full ? mostSharers : mostWorkers
    const workers = values.wholeNumber('workers', 1, most, Math.min(availableParallelism(), most))
    const processes = full ? Math.min(availableParallelism(), workers) : 0
    const rate = values.wholeNumber('rate', 1, mostRate, standardRate)
    const top = values.wholeNumber('top', 0, mostTop, 10)
    const input = openInput(values.text('input'), values.text('ext'))
    const verify = values.has('verify')
    const { screen, signal } = context
    const measure = (run: (options: JobOptions) => Promise<IndexResult>, onNote: (note: Note) => void) =>
      measureRun(run, { ...input, top, signal, keepFileHashes: verify, progress: newProgress(), onNote }, screen)

    const who = full ? ` and ${counted(processes, 'process', 'processes')}` : ''
    screen.line(`indexing ${input.title} with ${counted(workers, 'thread')}${who}`)
    let figures: FullFigures | undefined
    const runInFull = async (options: JobOptions) => {
      const run = await runFull(options, { threads: workers, processes, rate, database: values.text('database') })
      figures = run.figures
      return run.result
    }
    const pooled = await measure(full ? runInFull : (options) => indexInPool(options, workers), (note) =>
      screen.line(describeNote(note)),
    )
    for (const line of describeFurtherNotes(pooled.result.notes)) screen.line(line)
    let verification: Report['verification']
    if (verify) {
      screen.line('verifying: all again in one thread, without the pool')
      const single = await measure(indexInOneThread, () => {})
      verification = { single, differences: compareResults(pooled.result, single.result) }
    }
    const family = figures && { processes, rate, database: values.text('database'), figures }
    const report: Report = { input, workers, pooled, family, verification }
    context.print(values.has('json') ? `${printableJson(jsonReport(report))}\n` : textReport(report))
    return verification === undefined || verification.differences.length === 0 ? DONE : FAILED
  },
}

/** Loads the whole family: what the other runs do not need, they do not wait for. */
async function runFull(options: JobOptions, full: FullOptions) {
  const { indexInFull } = await import('../index-job/full/run-in-full.js')
  try {
    return await indexInFull(options, full)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ERR_UNSUPPORTED_PLATFORM')
      throw new UsageError(`--full cannot work here, leave it out: ${printable(message)}`)
    if (code === 'ENOSPC') throw new UsageError(`--full found no room: ${printable(message)}`)
    throw error
  }
}

function unexpected(word: string): UsageError {
  const shown = printable(word)
  return new UsageError(
    `"${shown}" is no command: to index a folder write --input "${shown}", and --help lists the rest`,
  )
}
