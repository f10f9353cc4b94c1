import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Sizes } from './batches.js'
import type { Duel } from './report.js'

/** What a duel gives: it is a plain object that goes from process to process. */
export interface Outcome {
  readonly duel: Duel
  readonly rivalVersion: string
  /** What only the run itself can tell. */
  readonly note?: string
}

export type DuelRunner = (sizes: Sizes) => Promise<Outcome>

/** A contender that is not there: a row says so, and the other rows are measured all the same. */
export class Absent extends Error {}

export type Verdict = Outcome | { readonly skipped: string; readonly failed?: true }

/**
 * Runs one duel in a process of its own, so that no other duel has shaped the compiled code, the heap or the globals that it
 * finds, and so that nothing else in the process uses the processor. One that does not end is killed.
 *
 * @param module - a module that exports `duels`
 * @param name - the one to run
 * @param options.flags - of Node and V8, for this process and its threads
 * @param options.oneCore - keep all of its threads on one core; needs the program taskset
 * @param options.seconds - how long it may take
 */
export async function runApart(
  module: URL,
  name: string,
  sizes: Sizes,
  {
    flags = [],
    oneCore = false,
    seconds = 20 + sizes.rounds,
  }: { flags?: readonly string[]; oneCore?: boolean | undefined; seconds?: number } = {},
): Promise<Verdict> {
  const child = fork(
    fileURLToPath(new URL('./arena-process.js', import.meta.url)),
    [module.href, name, JSON.stringify(sizes)],
    {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      ...(oneCore
        ? { execPath: 'taskset', execArgv: ['--cpu-list', '0', process.execPath, ...flags] }
        : { execArgv: [...process.execArgv, ...flags] }),
    },
  )
  let late = false
  const timer = setTimeout(() => {
    late = true
    child.kill('SIGKILL')
  }, seconds * 1000)
  let verdict: Verdict | undefined
  let errors = ''
  child.on('error', (error) => {
    verdict = { skipped: `the process does not start: ${error.message}` }
  })
  child.on('message', (message) => {
    verdict = message as Verdict
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk
  })
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  clearTimeout(timer)
  if (late) return { skipped: `did not end within ${seconds} s`, failed: true }
  return verdict ?? { skipped: `ended with code ${code}: ${errors.trim()}`, failed: true }
}
