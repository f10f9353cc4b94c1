import { counted, megabytes, seconds, wholes } from '../cli/figures.js'
import type { FullFigures } from '../index-job/full/run-in-full.js'
import { type Note, type Notes, noteKinds } from '../index-job/notes.js'
import { pathText, printable, printablePath } from '../printable.js'
import type { Input } from './index-input.js'
import type { MeasuredRun } from './measure-run.js'

export interface Report {
  readonly input: Input
  readonly workers: number
  readonly pooled: MeasuredRun
  /** Undefined: the run had the thread pool alone. */
  readonly family: Family | undefined
  readonly verification: Verification | undefined
}

/** What a run with the whole family did. */
interface Family {
  readonly processes: number
  readonly rate: number
  /** Where the database is; undefined: it was removed. */
  readonly database: string | undefined
  readonly figures: FullFigures
}

interface Verification {
  readonly single: MeasuredRun
  /** What the two runs do not agree on, a line each; none: they agree on everything. */
  readonly differences: readonly string[]
}

const longestWord = 60

/** A line about one file or folder. */
export function describeNote({ kind, path, detail }: Note): string {
  const { skipped, one } = noteKinds[kind]
  return `${skipped ? 'skipped' : 'noted'}: ${printablePath(path)} (${one}${detail === undefined ? '' : `: ${detail}`})`
}

/** A line for each kind of note of which not all were printed. */
export function describeFurtherNotes(notes: Notes): string[] {
  return notes
    .summary()
    .filter(({ count, kept }) => count > kept.length)
    .map(({ kind, count, kept }) => {
      const { skipped, many } = noteKinds[kind]
      return `${skipped ? 'skipped' : 'noted'}: ${wholes(count - kept.length)} more (${many})`
    })
}

/** A line of a report for people. */
export function row(title: string, text: string): string {
  return `${title.padEnd(12)}${text}\n`
}

/** What was indexed. */
export function inputRows({ title, extensions }: Input, { result, progress }: MeasuredRun): string {
  const endings = extensions ? ` (${extensions.map(printable).join(', ')})` : ''
  const figures = `${counted(result.files, 'file')}, ${megabytes(result.bytes)} MB, in ${counted(progress.folders, 'folder')}`
  return row('indexed', `${title}${endings}`) + row('', figures)
}

/** What was left out. */
export function noteRows({ result, progress }: MeasuredRun): string {
  const rows = result.notes
    .summary()
    .map(({ kind, count }) =>
      row(
        noteKinds[kind].skipped ? 'skipped' : 'noted',
        `${wholes(count)} ${noteKinds[kind][count === 1 ? 'one' : 'many']}`,
      ),
    )
  if (progress.links > 0) rows.push(row('links', `${wholes(progress.links)} not followed`))
  return rows.join('')
}

/** The report for people. */
export function textReport({ input, workers, pooled, family, verification }: Report): string {
  const { result, ms, cpuMs } = pooled
  let text = inputRows(input, pooled)
  text += row('speed', `${describeSpeed(pooled)} with ${counted(workers, 'thread')}`)
  text += row('', `${seconds(ms)} s, processor time ${seconds(cpuMs)} s`)
  text += row('words', `${wholes(result.words)}, ${wholes(result.distinctWords)} of them distinct`)
  const width = Math.max(0, ...result.top.map(({ count }) => wholes(count).length))
  for (const [index, { word, count }] of result.top.entries())
    text += row(index === 0 ? 'top' : '', `${wholes(count).padStart(width)}  ${shorten(word)}`)
  text += row('sha256', result.sha256)
  text += noteRows(pooled)
  if (family !== undefined) text += describeFamily(family)
  return verification === undefined ? text : text + describeVerification(pooled, verification)
}

function describeFamily({ processes, rate, database, figures }: Family): string {
  const { segmentBytes, wordsInDict, wordsBeside, changed, crashes, databaseBytes, rows } = figures
  const who = counted(processes, 'process', 'processes')
  let text = row('processes', `${who} hashed the same bytes, at most ${counted(rate, 'file')} a second`)
  if (crashes > 0)
    text += row('', `${counted(crashes, 'process', 'processes')} ended under their work; it was done again`)
  if (changed > 0) text += row('', `${counted(changed, 'file')} changed meanwhile: what the threads read is counted`)
  text += row('dict', `${counted(wordsInDict, 'word')} in a segment of ${megabytes(segmentBytes)} MB`)
  if (wordsBeside > 0) text += row('', `it was full: ${counted(wordsBeside, 'word')} counted beside it`)
  text += row(
    'database',
    `${counted(rows, 'row')}, ${megabytes(databaseBytes)} MB; read back, they make the same SHA-256`,
  )
  return text + row('', database === undefined ? 'removed; --database FILE keeps it' : printable(database))
}

function describeVerification(pooled: MeasuredRun, { single, differences }: Verification): string {
  let text = row('one thread', `${describeSpeed(single)}; ${seconds(single.ms)} s`)
  text += row('speed-up', `${(single.ms / pooled.ms).toFixed(2)} times`)
  if (differences.length === 0)
    return text + row('verified', 'both runs agree: SHA-256, files, bytes, and the count of every word')
  text += row('NOT EQUAL', 'the pool and the single thread disagree:')
  for (const difference of differences) text += row('', difference)
  return text
}

/** The report for programs. */
export function jsonReport({ input, workers, pooled, family, verification }: Report): object {
  const { result, progress } = pooled
  return {
    command: 'index',
    input: input.title,
    extensions: input.extensions ?? null,
    workers,
    ...jsonSpeed(pooled),
    folders: progress.folders,
    words: result.words,
    distinctWords: result.distinctWords,
    sha256: result.sha256,
    top: result.top,
    skipped: result.notes.skipped,
    linksNotFollowed: progress.links,
    notes: jsonNotes(result.notes),
    full:
      family === undefined
        ? null
        : { processes: family.processes, rate: family.rate, database: family.database ?? null, ...family.figures },
    verify:
      verification === undefined
        ? null
        : {
            agree: verification.differences.length === 0,
            differences: verification.differences,
            speedUp: rounded(verification.single.ms / pooled.ms),
            oneThread: {
              ...jsonSpeed(verification.single),
              words: verification.single.result.words,
              distinctWords: verification.single.result.distinctWords,
              sha256: verification.single.result.sha256,
            },
          },
  }
}

export function jsonNotes(notes: Notes): object[] {
  return notes.summary().map(({ kind, count, kept }) => ({
    kind,
    skipped: noteKinds[kind].skipped,
    count,
    first: kept.map(({ path, detail }) => ({ path: pathText(path) ?? printablePath(path), detail: detail ?? null })),
  }))
}

function jsonSpeed({ result, ms, cpuMs }: MeasuredRun): object {
  return {
    files: result.files,
    bytes: result.bytes,
    seconds: rounded(ms / 1_000),
    cpuSeconds: rounded(cpuMs / 1_000),
    filesPerSecond: rounded((result.files / ms) * 1_000),
    megabytesPerSecond: rounded(result.bytes / ms / 1_000),
  }
}

export function describeSpeed({ result, ms }: MeasuredRun): string {
  return `${wholes((result.files / ms) * 1_000)} files/s, ${megabytes((result.bytes / ms) * 1_000)} MB/s`
}

export function rounded(number: number): number {
  return Number(number.toFixed(3))
}

function shorten(word: string): string {
  return word.length > longestWord ? `${word.slice(0, longestWord).replace(/[\ud800-\udbff]$/, '')}…` : word
}
