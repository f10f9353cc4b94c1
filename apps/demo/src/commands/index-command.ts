import { availableParallelism } from 'node:os'
import type { Command } from '../cli/command.js'
import { DONE, FAILED, UsageError } from '../cli/exit-codes.js'
import { counted } from '../cli/figures.js'
import { ProgressBar } from '../cli/progress-bar.js'
import type { Screen } from '../cli/screen.js'
import { compareResults } from '../index-job/compare.js'
import { type JobOptions, newProgress } from '../index-job/job.js'
import type { IndexResult } from '../index-job/merge.js'
import type { Note } from '../index-job/notes.js'
import { indexInOneThread } from '../index-job/run-in-one-thread.js'
import { indexInPool } from '../index-job/run-in-pool.js'
import { printable, printableJson } from '../printable.js'
import { openInput } from './index-input.js'
import {
  describeFurtherNotes,
  describeNote,
  jsonReport,
  type MeasuredRun,
  type Report,
  textReport,
} from './index-report.js'

const mostWorkers = 256
const mostTop = 100_000

/** Indexes a folder in a thread pool. */
export const indexCommand: Command = {
  name: 'index',
  summary: 'counts the words of all files below a folder and hashes them, in a pool of threads',
  options: [
    { name: 'input', value: 'DIR', help: "the folder; without it this repository's Markdown and TypeScript" },
    { name: 'ext', value: 'LIST', help: 'only files with these endings, such as md,ts; case does not matter' },
    { name: 'workers', value: 'N', help: 'threads in the pool (default: the processors at hand)' },
    { name: 'top', value: 'N', help: 'how many of the most frequent words to print (default: 10)' },
    { name: 'verify', help: 'do all again in one thread without the pool, and compare everything' },
    { name: 'json', help: 'print one JSON object and nothing else on the standard output' },
  ],
  async run(words, values, context) {
    if (words[0] !== undefined) throw unexpected(words[0])
    const workers = values.wholeNumber('workers', 1, mostWorkers, Math.min(availableParallelism(), mostWorkers))
    const top = values.wholeNumber('top', 0, mostTop, 10)
    const input = openInput(values.text('input'), values.text('ext'))
    const verify = values.has('verify')
    const { screen, signal } = context
    const measure = (run: (options: JobOptions) => Promise<IndexResult>, onNote: (note: Note) => void) =>
      measureRun(run, { ...input, top, signal, keepFileHashes: verify, progress: newProgress(), onNote }, screen)

    screen.line(`indexing ${input.title} with ${counted(workers, 'thread')}`)
    const pooled = await measure(
      (options) => indexInPool(options, workers),
      (note) => screen.line(describeNote(note)),
    )
    for (const line of describeFurtherNotes(pooled.result.notes)) screen.line(line)
    let verification: Report['verification']
    if (verify) {
      screen.line('verifying: all again in one thread, without the pool')
      const single = await measure(indexInOneThread, () => {})
      verification = { single, differences: compareResults(pooled.result, single.result) }
    }
    const report: Report = { input, workers, pooled, verification }
    context.print(values.has('json') ? `${printableJson(jsonReport(report))}\n` : textReport(report))
    return verification === undefined || verification.differences.length === 0 ? DONE : FAILED
  },
}

async function measureRun(
  run: (options: JobOptions) => Promise<IndexResult>,
  options: JobOptions,
  screen: Screen,
): Promise<MeasuredRun> {
  using _bar = new ProgressBar(screen, options.progress)
  const begun = performance.now()
  const cpuBefore = process.cpuUsage()
  const result = await run(options)
  const { user, system } = process.cpuUsage(cpuBefore)
  return { result, progress: options.progress, ms: performance.now() - begun, cpuMs: (user + system) / 1_000 }
}

function unexpected(word: string): UsageError {
  const shown = printable(word)
  return new UsageError(
    `"${shown}" is no command: to index a folder write --input "${shown}", and --help lists the rest`,
  )
}
