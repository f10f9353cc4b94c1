import type { LocalEngine } from '@heddle/cluster-pool'
import { counted, seconds } from '../cli/figures.js'
import type { Account } from '../index-job/cluster/account.js'
import { hostOf } from '../index-job/cluster/host-of.js'
import { concurrency, lockDuration, stalledInterval } from '../index-job/cluster/limits.js'
import type { Kill } from '../index-job/cluster/run-in-cluster.js'
import type { Input } from './index-input.js'
import { describeSpeed, inputRows, jsonNotes, noteRows, rounded, row } from './index-report.js'
import type { MeasuredRun } from './measure-run.js'

/** What came of a run on the cluster. */
export interface ClusterResult {
  readonly run: MeasuredRun
  readonly engine: LocalEngine
  /** The server; undefined: it was started for this run. */
  readonly url: string | undefined
  /** The nodes. */
  readonly pids: readonly number[]
  readonly kill: Kill | undefined
  readonly account: Account
}

export interface ClusterReport {
  readonly input: Input
  readonly clustered: ClusterResult
  readonly single: MeasuredRun
  /** What the two runs do not agree on, a line each. */
  readonly differences: readonly string[]
}

const batches = (number: number): string => counted(number, 'batch', 'batches')

/** The report for people. */
export function clusterText({ input, clustered, single, differences }: ClusterReport): string {
  const { run, engine, url, pids, kill, account } = clustered
  let text = inputRows(input, run)
  text += row('server', `${engine}, ${url === undefined ? 'started for this run' : `at ${hostOf(url)}`}`)
  text += row('nodes', `${pids.length} processes, each with ${batches(concurrency)} at a time`)
  text += row('locks', `of ${seconds(lockDuration)} s, looked at every ${seconds(stalledInterval)} s: short, so that`)
  text += row('', 'what is lost with a node begins again within about 3 s')
  for (const [index, number] of account.done.entries())
    text += row(index === 0 ? 'done' : '', `${batches(number)} by node ${index + 1} (process ${pids[index]})`)
  if (kill)
    text += row('killed', `node ${account.killed} by SIGKILL, when ${kill.done} of ${batches(kill.batches)} were in`)
  text += row('lost', `${batches(account.lost)} that it had in hand`)
  const last = account.again === 1 ? '' : 'the last of them '
  text += row(
    'run again',
    account.again === 0 ? 'none' : `${batches(account.again)}, ${last}${seconds(account.againMs)} s after the kill`,
  )
  text += row('speed', `${describeSpeed(run)}; ${seconds(run.ms)} s`)
  text += row('one thread', `${describeSpeed(single)}; ${seconds(single.ms)} s`)
  text += row('sha256', run.result.sha256)
  text += noteRows(run)
  for (const problem of account.problems) text += row('NOT RIGHT', problem)
  if (differences.length === 0)
    return text + row('verified', 'both runs agree: SHA-256, files, bytes, and the count of every word')
  text += row('NOT EQUAL', 'the pool of nodes and the single thread disagree:')
  for (const difference of differences) text += row('', difference)
  return text
}

/** The report for programs. */
export function clusterJson({ input, clustered, single, differences }: ClusterReport): object {
  const { run, engine, url, pids, kill, account } = clustered
  const { result, progress } = run
  return {
    command: 'cluster',
    input: input.title,
    extensions: input.extensions ?? null,
    engine,
    server: url === undefined ? null : hostOf(url),
    concurrency,
    lockDuration,
    stalledInterval,
    nodes: pids.map((pid, index) => ({ pid, batches: account.done[index] })),
    killed: kill ? { node: account.killed, pid: kill.node.pid, batchesIn: kill.done, batches: kill.batches } : null,
    lost: account.lost,
    runAgain: account.again,
    runAgainSeconds: rounded(account.againMs / 1_000),
    problems: account.problems,
    ...jsonTotals(run),
    folders: progress.folders,
    skipped: result.notes.skipped,
    linksNotFollowed: progress.links,
    notes: jsonNotes(result.notes),
    verify: { agree: differences.length === 0, differences, oneThread: jsonTotals(single) },
  }
}

/** Without the processor time: that of the nodes is not known here. */
function jsonTotals({ result, ms }: MeasuredRun): object {
  return {
    files: result.files,
    bytes: result.bytes,
    seconds: rounded(ms / 1_000),
    filesPerSecond: rounded((result.files / ms) * 1_000),
    megabytesPerSecond: rounded(result.bytes / ms / 1_000),
    words: result.words,
    distinctWords: result.distinctWords,
    sha256: result.sha256,
  }
}
