import { availableParallelism, cpus } from 'node:os'
import type { Row } from './report.js'

const head = ['gate', 'rival', 'ours / rival', 'goal', 'processor', 'clock']

/** The rows for people: a table, and below it what there is to say about single rows. */
export function toTable(rows: readonly Row[]): string {
  const table = [head, ...rows.map(cellsOf)]
  const widths = head.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.version}`
  const remarks = rows.flatMap(remarksOf)
  return `${machine}\n\n${lines.join('\n')}\n${remarks.length > 0 ? `\n${remarks.join('\n')}\n` : ''}`
}

function cellsOf(row: Row): string[] {
  const name = 'gate' in row ? row.gate : `  beside ${row.beside}`
  if ('skipped' in row) return [name, row.rival, row.failed ? 'FAILED' : 'skipped', '', '', row.skipped]
  const verdict = 'gate' in row ? `${row.goal} ${row.ok ? 'ok' : 'MISSED'}` : ''
  const { wall } = row
  return [
    name,
    `${row.rival} ${row.rivalVersion}`,
    `${row.value} (${row.spread.join(' to ')})`,
    verdict,
    `${row.ours} / ${row.theirs} ${row.unit}`,
    `${wall.ours} / ${wall.rival} ${wall.unit}, ratio ${wall.value}`,
  ]
}

function remarksOf(row: Row): string[] {
  if ('skipped' in row) return []
  const limit = row.limit === undefined ? [] : [`physical limit: ${row.limit}`]
  const remark = [...(row.note === undefined ? [] : [row.note]), ...limit].join('; ')
  return remark === '' ? [] : [`${'gate' in row ? row.gate : row.beside}, ${row.rival}: ${remark}`]
}
