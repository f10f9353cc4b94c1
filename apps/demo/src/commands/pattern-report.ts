import { counted, seconds } from '../cli/figures.js'
import type { Pattern } from '../patterns/pattern.js'
import type { PatternRow } from '../patterns/run-pattern.js'

/** A line for each pattern. */
export function listText(patterns: readonly Pattern[]): string {
  const width = widthOf(patterns)
  return patterns
    .map(
      ({ name, title, kind, packages }) =>
        `${name.padEnd(width)}  ${kind.padEnd(11)}  ${title}: ${packages.join(', ')}\n`,
    )
    .join('')
}

export function titleOf({ title, kind, packages }: Pattern): string {
  return `${title} (${kind}; ${packages.join(', ')})\n`
}

/** What stands below the lines that a pattern has printed itself. */
export function describeRow({ ok, ms, checks, mends, problems, skipped }: PatternRow): string {
  if (skipped !== undefined) return `  skipped: ${skipped}\n\n`
  const lines = problems.map((problem) => `  NOT RIGHT: ${problem.replaceAll('\n', '\n  ')}\n`)
  if (ok) lines.push(`  checked: ${checks.map(({ what }) => what).join('; ')}\n`)
  return `${lines.join('')}  mended: ${mends}\n  ${ok ? 'ok' : 'FAILED'} in ${seconds(ms)} s\n\n`
}

export function tableOf(rows: readonly PatternRow[]): string {
  const width = widthOf(rows)
  const lines = rows.map(
    (row) =>
      `${outcomeOf(row).padEnd(7)}  ${row.name.padEnd(width)}  ${seconds(row.ms).padStart(6)} s  ${gistOf(row).split('\n')[0]}\n`,
  )
  const count = (outcome: ReturnType<typeof outcomeOf>) => rows.filter((row) => outcomeOf(row) === outcome).length
  const skipped = count('skipped')
  return `${lines.join('')}${count('ok')} ok, ${count('FAILED')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`
}

/** Whether a row is one that makes the exit code 1. */
export const isFailure = (row: PatternRow): boolean => outcomeOf(row) === 'FAILED'

function outcomeOf({ ok, skipped }: PatternRow): 'ok' | 'FAILED' | 'skipped' {
  if (skipped !== undefined) return 'skipped'
  return ok ? 'ok' : 'FAILED'
}

const gistOf = ({ skipped, problems, checks }: PatternRow): string =>
  skipped ?? problems[0] ?? counted(checks.length, 'check')

const widthOf = (named: readonly { readonly name: string }[]): number =>
  Math.max(...named.map(({ name }) => name.length))
