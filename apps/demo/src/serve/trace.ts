import type { LaneChange } from './protocol.js'
import type { LaneIdentity, Recording } from './recording.js'

/** Beyond the ids of threads and processes: the tasks of one thread get rows of their own there. */
const firstTaskRow = 10_000_000

/** A row of Chrome's trace-event format; times are microseconds. */
export interface TraceEvent {
  readonly name: string
  /** X: something with a beginning and a length; C: a counter; i: a moment; M: what a process or thread is called. */
  readonly ph: 'X' | 'C' | 'i' | 'M'
  readonly pid: number
  readonly tid: number
  readonly ts?: number
  readonly dur?: number
  readonly cat?: string
  readonly s?: 'g'
  readonly args?: Readonly<Record<string, unknown>>
}

/**
 * What was recorded, in Chrome's trace-event format, which Perfetto reads too.
 * Source: Google, "Trace Event Format", https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 */
export function traceOf(recording: Recording): { readonly traceEvents: TraceEvent[]; readonly displayTimeUnit: 'ms' } {
  const until = recording.clock.now()
  const rows = new Map<number, { readonly lane: LaneIdentity; open: LaneChange }>()
  const traceEvents: TraceEvent[] = [naming('process_name', process.pid, 0, 'server')]
  const close = ({ lane, open }: { lane: LaneIdentity; open: LaneChange }, end: number) => {
    if (open.state !== 'dead') traceEvents.push(stretch(lane, open, end))
  }
  for (const event of recording.events()) {
    if (event.kind === 'counter')
      traceEvents.push({ name: event.name, ph: 'C', ...serverRow, ts: micros(event.time), args: event.values })
    else if (event.kind === 'note')
      traceEvents.push({ name: event.text, ph: 'i', ...serverRow, ts: micros(event.time), s: 'g' })
    else {
      const row = rows.get(event.lane.id)
      if (row === undefined) {
        traceEvents.push(...namesOf(event.lane))
        rows.set(event.lane.id, { lane: event.lane, open: event.change })
      } else {
        close(row, event.time)
        row.open = event.change
      }
    }
  }
  for (const row of rows.values()) close(row, until)
  return { traceEvents, displayTimeUnit: 'ms' }
}

const serverRow = { pid: process.pid, tid: 0 }

function placeOf({ id, kind, pid, threadId }: LaneIdentity): { readonly pid: number; readonly tid: number } {
  if (kind === 'process') return { pid: pid ?? 0, tid: pid ?? 0 }
  return { pid: process.pid, tid: kind === 'thread' ? (threadId ?? 0) : firstTaskRow + id }
}

function namesOf(lane: LaneIdentity): TraceEvent[] {
  const { pid, tid } = placeOf(lane)
  const names = [naming('thread_name', pid, tid, lane.title)]
  return lane.kind === 'process' ? [naming('process_name', pid, tid, lane.title), ...names] : names
}

function naming(what: 'process_name' | 'thread_name', pid: number, tid: number, name: string): TraceEvent {
  return { name: what, ph: 'M', pid, tid, args: { name } }
}

function stretch(lane: LaneIdentity, { time, state, on }: LaneChange, end: number): TraceEvent {
  const ts = micros(time)
  return {
    name: on === undefined ? state : `${state}: ${on}`,
    ph: 'X',
    ...placeOf(lane),
    ts,
    dur: Math.max(0, micros(end) - ts),
    cat: state,
    args: { lane: lane.id },
  }
}

function micros(ms: number): number {
  return Math.round(ms * 1_000)
}
