import type { Lane, Snapshot } from '@heddle/demo/serve/protocol.js'
import { LaneHistory } from './lane-history.js'

/** How far back the page looks, in milliseconds. */
export const windowMs = 15_000
/** Rows that are there from the beginning, so that nothing moves when a lane comes. */
const reservedRows = 8
/** More living lanes than these are only counted. */
const mostRows = 16

/** A row of the timeline: lanes that took it one after the other; the last is shown by name. */
export interface Row {
  readonly lanes: readonly PlacedLane[]
  readonly lane: Lane | undefined
  /** What is painted from this time on is out of date: a change came late. Reset by whoever has painted. */
  staleFrom: number
}

interface PlacedLane {
  readonly id: number
  readonly history: LaneHistory
}

interface MutableRow extends Row {
  lanes: PlacedLane[]
  lane: Lane | undefined
}

/**
 * The run that the page shows: which lane is in which row, and what each did.
 *
 * **Invariant:** a lane keeps its row while it lives. A new one takes a row that was never used, else the one whose lane has
 * been dead for longest.
 */
export class RunModel {
  #rows: MutableRow[] = []
  #snapshot: Snapshot | undefined
  #shown: string | undefined
  #hidden = 0
  #broken = false
  #endedAt: number | undefined

  constructor() {
    this.#clear()
  }

  get rows(): readonly Row[] {
    return this.#rows
  }

  /** The newest that came; undefined before the first. */
  get snapshot(): Snapshot | undefined {
    return this.#snapshot
  }

  /** The scenario whose lanes are shown: the one that runs, or the last one that did. */
  get shown(): string | undefined {
    return this.#shown
  }

  /** Until when there is something to show: where the run ended, else the newest snapshot. */
  get end(): number {
    return this.#endedAt ?? this.#snapshot?.time ?? 0
  }

  get isRunning(): boolean {
    return this.#shown !== undefined && this.#endedAt === undefined
  }

  /** Living lanes that found no row. */
  get hidden(): number {
    return this.#hidden
  }

  /** Takes in what came. Answers whether another run has begun, so that nothing shown before holds any more. */
  apply(snapshot: Snapshot): boolean {
    const begins = this.#isAnotherRun(snapshot)
    if (begins) {
      this.#clear()
      this.#shown = snapshot.scenario
    }
    if (this.#broken) this.#markGap(snapshot)
    this.#snapshot = snapshot
    if (snapshot.scenario !== undefined) this.#place(snapshot)
    else this.#endAll(snapshot)
    for (const { lanes } of this.#rows) for (const { history } of lanes) history.forget(this.end - 2 * windowMs)
    return begins
  }

  /** From the newest snapshot until the next one nothing is known. */
  loseConnection(): void {
    this.#broken = true
  }

  #isAnotherRun(next: Snapshot): boolean {
    const previous = this.#snapshot
    if (next.scenario === undefined) return false
    if (previous === undefined || previous.scenario !== next.scenario) return true
    const known = new Set(this.#rows.flatMap(({ lanes }) => lanes.map(({ id }) => id)))
    return known.size > 0 && next.lanes.length > 0 && !next.lanes.some(({ id }) => known.has(id))
  }

  #clear(): void {
    this.#rows = Array.from({ length: reservedRows }, newRow)
    this.#hidden = 0
    this.#broken = false
    this.#endedAt = undefined
  }

  #place(snapshot: Snapshot): void {
    const changed = new Set(snapshot.changes.map(({ lane }) => lane))
    const rowOf = new Map(this.#rows.flatMap((row) => row.lanes.map(({ id }) => [id, row] as const)))
    this.#hidden = 0
    // The living first: one that is dead already must not take a row from them.
    for (const lane of snapshot.lanes.toSorted((a, b) => Number(a.state === 'dead') - Number(b.state === 'dead'))) {
      if (rowOf.has(lane.id)) continue
      if (lane.state === 'dead' && !changed.has(lane.id)) continue
      const row = this.#freeRow(lane.state !== 'dead')
      if (row === undefined) {
        if (lane.state !== 'dead') this.#hidden++
        continue
      }
      row.lanes = [...row.lanes.slice(-5), { id: lane.id, history: new LaneHistory() }]
      row.lane = lane
      rowOf.set(lane.id, row)
    }
    const histories = this.#histories()
    for (const { lane, time, state, on } of snapshot.changes) {
      histories.get(lane)?.add(time, state, on)
      const row = rowOf.get(lane)
      if (row) row.staleFrom = Math.min(row.staleFrom, time)
    }
    for (const lane of snapshot.lanes) {
      histories.get(lane.id)?.settle(snapshot.time, lane.state, lane.on)
      const row = rowOf.get(lane.id)
      if (row?.lane?.id === lane.id) row.lane = lane
    }
    this.#endMissing(snapshot)
  }

  /** Only the last dead are told: one that is told no more has ended. */
  #endMissing({ lanes, time }: Snapshot): void {
    const told = new Set(lanes.map(({ id }) => id))
    for (const row of this.#rows) if (row.lane && !told.has(row.lane.id)) endLane(row, time)
  }

  #endAll({ time, changes }: Snapshot): void {
    if (this.#endedAt !== undefined) return
    this.#endedAt = time
    const histories = this.#histories()
    for (const { lane, time: from, state, on } of changes) histories.get(lane)?.add(from, state, on)
    for (const row of this.#rows) if (row.lane) endLane(row, time)
  }

  #histories(): Map<number, LaneHistory> {
    return new Map(this.#rows.flatMap(({ lanes }) => lanes.map(({ id, history }) => [id, history] as const)))
  }

  #freeRow(mayGrow: boolean): MutableRow | undefined {
    const empty = this.#rows.find(({ lane }) => lane === undefined)
    if (empty) return empty
    const dead = this.#rows.filter(({ lane }) => lane?.state === 'dead')
    if (dead.length > 0) return dead.reduce((oldest, row) => (deathOf(row) < deathOf(oldest) ? row : oldest))
    if (!mayGrow || this.#rows.length >= mostRows) return undefined
    const row = newRow()
    this.#rows.push(row)
    return row
  }

  /** Who comes back may be told again what has happened lately: then nothing is missing. */
  #markGap({ changes }: Snapshot): void {
    this.#broken = false
    const time = this.#snapshot?.time
    if (time === undefined || changes.some((change) => change.time <= time)) return
    for (const { lane, lanes } of this.#rows)
      if (lane && lane.state !== 'dead') lanes.at(-1)?.history.add(time, undefined, undefined)
  }
}

function newRow(): MutableRow {
  return { lanes: [], lane: undefined, staleFrom: Infinity }
}

function endLane(row: MutableRow, time: number): void {
  const { lane } = row
  if (lane === undefined) return
  row.lane = { ...lane, state: 'dead', on: undefined, canKill: false }
  if (lane.state !== 'dead') row.lanes.at(-1)?.history.settle(time, 'dead', undefined)
}

function deathOf(row: Row): number {
  return row.lanes.at(-1)?.history.last?.from ?? 0
}
