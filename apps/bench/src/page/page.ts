import type { ComparisonRow, GateRow, Row } from '../report.js'
import type { Machine } from './machine.js'

/** Where the charts of the page are, as it names them. */
export const chartName = (suite: string): string => `benchmarks/${suite}.svg`

/** Everything that was measured, as a page in Markdown. */
export function writePage(rows: readonly Row[], machine: Machine, rounds: number): string {
  const suites = [...new Set(rows.map(({ suite }) => suite))]
  const gates = rows.filter(isGate)
  const met = gates.filter(({ ok }) => ok).length
  return `# Benchmarks

Made by \`npm run bench -- --page\`, in one run: ours and the rival take turns, in a process of their own for each row. Processor
time counts unless a row says otherwise; a ratio is of one round, the figure is the median of ${rounds} rounds, in brackets the
lowest and the highest. What each gate compares stands in [apps/bench](../apps/bench/README.md).

| | |
| --- | --- |
| machine | ${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system} |
| Node | ${machine.node} |
| commit | ${machine.commit} |
| date | ${machine.date} |
| gates | ${met} of ${gates.length} met |

A goal is \`<=\` for costs and \`>=\` for throughputs. A gate that is missed stays in the table.
${suites
  .map((suite) =>
    writeSuite(
      suite,
      rows.filter((row) => row.suite === suite),
    ),
  )
  .join('')}`
}

function writeSuite(suite: string, rows: readonly Row[]): string {
  const gates = rows.filter(isGate)
  const missed = gates.filter(({ ok }) => !ok)
  const remarks = rows.flatMap((row) => {
    if ('skipped' in row) return []
    const limit = row.limit === undefined ? [] : [`nothing can be faster than ${row.limit}`]
    const text = [...(row.note === undefined ? [] : [row.note]), ...limit].join('; ')
    return text === '' ? [] : [`- \`${nameOf(row)}\` (${row.rival}): ${text}`]
  })
  return `
## ${suite}

![${suite}: ${gates.length - missed.length} of ${gates.length} gates met](${chartName(suite)})

| gate | goal | figure | | ours | rival |
| --- | --- | --- | --- | --- | --- |
${rows.map(writeRow).join('\n')}

${remarks.length === 0 ? '' : `<details><summary>How each was measured</summary>\n\n${remarks.join('\n')}\n\n</details>\n`}`
}

function writeRow(row: Row): string {
  const name = isGate(row) ? `\`${row.gate}\`` : `beside \`${row.beside}\``
  const goal = isGate(row) ? `\`${row.goal}\`` : ''
  if ('skipped' in row)
    return `| ${name} | ${goal} | ${row.failed ? 'failed' : 'skipped'}: ${cell(row.skipped)} | | | ${cell(row.rival)} |`
  const [low, high] = row.spread
  const verdict = isGate(row) ? (row.ok ? 'met' : '**missed**') : ''
  return `| ${name} | ${goal} | ${row.value} (${low} to ${high}) | ${verdict} | ${row.ours} ${row.unit} | ${cell(`${row.rival} ${row.rivalVersion}`)}: ${row.theirs} |`
}

const isGate = (row: Row): row is GateRow => 'gate' in row
const nameOf = (row: GateRow | ComparisonRow): string => ('gate' in row ? row.gate : row.beside)
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
