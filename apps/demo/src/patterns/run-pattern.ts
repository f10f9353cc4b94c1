import { inspect, isDeepStrictEqual } from 'node:util'
import type { Check, Pattern, Stage } from './pattern.js'

/** How long patterns may take, in milliseconds. */
export interface PatternLimits {
  /** One that takes longer hangs, and is told to end. */
  readonly longestMs: number
  /** One that was told to end, and has not after so long, is left behind. */
  readonly graceMs: number
}

const usualLimits: PatternLimits = { longestMs: 60_000, graceMs: 5_000 }

/** What running a pattern has come to. */
export interface PatternRow {
  readonly name: string
  readonly title: string
  readonly kind: Pattern['kind']
  readonly packages: readonly string[]
  readonly mends: string
  readonly ok: boolean
  readonly ms: number
  readonly checks: readonly { readonly what: string; readonly ok: boolean }[]
  /** What was wrong, the gist of each in its first line; none if it is ok. */
  readonly problems: readonly string[]
  /** Whether it has come to an end: one that was left behind may still have threads, processes and timers. */
  readonly ended: boolean
  /** Why it cannot run on this system, and is no failure though not ok; not there if it can. */
  readonly skipped?: string
}

/**
 * Runs a pattern and compares what it came to with what it has to be. A pattern that fails, checks nothing or takes too long
 * is a row that is not ok; one that needs what this system has not is skipped. What it prints after its end is not printed.
 *
 * @throws the reason of `signal` when it aborts and the pattern has ended, or was left behind
 */
export async function runPattern(
  pattern: Pattern,
  print: (line: string) => void,
  signal: AbortSignal,
  limits = usualLimits,
): Promise<PatternRow> {
  signal.throwIfAborted()
  const { name, title, kind, packages, mends } = pattern
  const tooLong = new AbortController()
  const begun = performance.now()
  // Not AbortSignal.timeout, whose timer lets Node end in the middle of a pattern that waits for what never comes.
  const timer = setTimeout(() => tooLong.abort(new Error('it took too long')), limits.longestMs)
  const stage = { print, signal: AbortSignal.any([signal, tooLong.signal]) }
  const { checks = [], error, problem, ended } = await outcomeOf(pattern, stage, limits.graceMs)
  clearTimeout(timer)
  signal.throwIfAborted()
  const ms = Math.round(performance.now() - begun)
  const skipped = unsupported(pattern, error)
  if (skipped !== undefined)
    return { name, title, kind, packages, mends, ok: false, ms, checks: [], problems: [], ended, skipped }

  const problems: string[] = []
  if (tooLong.signal.aborted) problems.push(`it took longer than ${limits.longestMs / 1_000} s`)
  else if (problem === undefined && checks.length === 0) problems.push('it has checked nothing')
  if (problem !== undefined) problems.push(problem)
  const compared = checks.map((check) => ({ what: check.what, ok: isDeepStrictEqual(check.actual, check.expected) }))
  for (const [index, { what, ok }] of compared.entries())
    if (!ok) problems.push(`${what}: ${shown(checks[index]?.actual)}, and not ${shown(checks[index]?.expected)}`)
  const ok = problems.length === 0
  return { name, title, kind, packages, mends, ok, ms, checks: compared, problems, ended }
}

/** What an error says that is no fault of the pattern; undefined: it is none of this kind. */
function unsupported({ needs }: Pattern, error: unknown): string | undefined {
  const { code, message } = (error ?? {}) as NodeJS.ErrnoException
  return needs !== undefined && code === 'ERR_UNSUPPORTED_PLATFORM' ? message : undefined
}

interface Outcome {
  readonly checks?: readonly Check[]
  /** What it has thrown. */
  readonly error?: unknown
  readonly problem?: string
  readonly ended: boolean
}

/** Runs a pattern until it ends, or `graceMs` after it was told to. It prints nothing after that. */
async function outcomeOf(pattern: Pattern, { print, signal }: Stage, graceMs: number): Promise<Outcome> {
  return await new Promise((resolve) => {
    let isOver = false
    let timer: NodeJS.Timeout | undefined
    const settle = (outcome: Outcome): void => {
      isOver = true
      clearTimeout(timer)
      signal.removeEventListener('abort', beginGrace)
      resolve(outcome)
    }
    const beginGrace = (): void => {
      timer = setTimeout(() => settle({ problem: 'it did not end when it was told to', ended: false }), graceMs)
    }
    signal.addEventListener('abort', beginGrace)
    const printWhileRunning = (line: string): void => {
      if (!isOver) print(line)
    }
    // In a function of its own: what is thrown at once is a rejection too.
    const run = async () => await pattern.run({ print: printWhileRunning, signal })
    run().then(
      (checks) => settle({ checks, ended: true }),
      (error: unknown) => settle({ error, problem: `it failed: ${inspect(error)}`, ended: true }),
    )
  })
}

const shown = (value: unknown): string =>
  inspect(value, { breakLength: Number.POSITIVE_INFINITY, compact: true, depth: 5, maxArrayLength: 20 })
