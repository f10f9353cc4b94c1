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
export function describeRow({ ok, ms, checks, mends, problems }: PatternRow): string {
  const lines = problems.map((problem) => `  NOT RIGHT: ${problem.replaceAll('\n', '\n  ')}\n`)
  if (ok) lines.push(`  checked: ${checks.map(({ what }) => what).join('; ')}\n`)
  return `${lines.join('')}  mended: ${mends}\n  ${ok ? 'ok' : 'FAILED'} in ${seconds(ms)} s\n\n`
}

export function tableOf(rows: readonly PatternRow[]): string {
  const width = widthOf(rows)
  const lines = rows.map(
    ({ ok, name, ms, checks, problems }) =>
      `${ok ? 'ok    ' : 'FAILED'}  ${name.padEnd(width)}  ${seconds(ms).padStart(6)} s  ${problems[0]?.split('\n')[0] ?? counted(checks.length, 'check')}\n`,
  )
  const failed = rows.filter(({ ok }) => !ok).length
  return `${lines.join('')}${rows.length - failed} ok, ${failed} failed\n`
}

const widthOf = (named: readonly { readonly name: string }[]): number =>
  Math.max(...named.map(({ name }) => name.length))
