import { availableParallelism, cpus } from 'node:os'
import { median, rangeOf, round } from './statistics.js'

interface Measured {
  readonly suite: string
  /** ours / rival, the median over the rounds. */
  readonly value: number
  readonly ours: number
  readonly rival: string
  readonly theirs: number
  readonly rivalVersion: string
  /** Of `ours` and `theirs`. */
  readonly unit: string
  /** The lowest and the highest ratio of a round. */
  readonly spread: readonly [number, number]
  /** The same calls on the clock instead of on the processors. */
  readonly wall: { readonly unit: string; readonly ours: number; readonly rival: number }
  readonly rounds: number
  readonly note?: string
}

interface Skipped {
  readonly suite: string
  readonly rival: string
  /** Why there is no figure. */
  readonly skipped: string
}

/** A ratio with a goal. */
export type GateRow =
  | (Measured & { readonly gate: string; readonly goal: string; readonly ok: boolean })
  | (Skipped & { readonly gate: string; readonly goal: string; readonly ok: false })

/** A ratio beside a gate, for comparison. */
export type ComparisonRow = (Measured | Skipped) & { readonly beside: string }

export type Row = GateRow | ComparisonRow

/** What one contender cost in one round, per call. */
export interface Cost {
  readonly cpu: number
  readonly wall: number
}

export interface Duel {
  readonly ours: readonly Cost[]
  readonly rival: readonly Cost[]
}

/** Sums up a duel: every ratio is of one round, so that a machine that changes its speed changes both sides. */
export function summarize(
  duel: Duel,
  about: { suite: string; rival: string; rivalVersion: string; note?: string },
): Measured {
  const ratios = duel.ours.map((cost, index) => cost.cpu / (duel.rival[index] as Cost).cpu)
  const [least, most] = rangeOf(ratios)
  const figure = (costs: readonly Cost[], of: keyof Cost) => round(median(costs.map((cost) => cost[of])))
  return {
    ...about,
    value: round(median(ratios)),
    ours: figure(duel.ours, 'cpu'),
    theirs: figure(duel.rival, 'cpu'),
    unit: 'µs CPU per call',
    spread: [round(least), round(most)],
    wall: { unit: 'µs per call', ours: figure(duel.ours, 'wall'), rival: figure(duel.rival, 'wall') },
    rounds: ratios.length,
  }
}

export function toTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => {
    const name = 'gate' in row ? row.gate : `  beside ${row.beside}`
    if ('skipped' in row) return [name, row.rival, 'skipped', '', '', row.skipped]
    const verdict = 'gate' in row ? `${row.goal} ${row.ok ? 'ok' : 'MISSED'}` : ''
    return [
      name,
      `${row.rival} ${row.rivalVersion}`,
      `${row.value} (${row.spread.join(' to ')})`,
      verdict,
      `${row.ours} / ${row.theirs} ${row.unit}`,
      `${row.wall.ours} / ${row.wall.rival} ${row.wall.unit}`,
    ]
  })
  const table = [['gate', 'rival', 'ours / rival', 'goal', 'processor', 'clock'], ...cells]
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? []
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.version}`
  return `${machine}\n\n${lines.join('\n')}\n`
}
