/**
 * What the server tells the page, and the page the server. Plain data; both sides are compiled against this file.
 *
 * Every path begins with the token: `/<token>/` is the page, `/<token>/events` a stream of server-sent events (`hello` once,
 * then `snapshot`, ten a second while something runs and one a second otherwise; the first one has the changes of the last
 * 15 seconds and no notes; 503 if too many watch), `/<token>/actions` takes an {@link Action} by POST, `/<token>/trace.json` is
 * the recorded run in Chrome's trace-event format. Times are milliseconds since the server began.
 */

/** Data of the event `hello`. */
export interface Hello {
  readonly scenarios: readonly ScenarioInfo[]
  /** Processor cores at hand. */
  readonly cores: number
  readonly node: string
}

/** Something that can be watched. */
export interface ScenarioInfo {
  readonly name: string
  readonly title: string
  /** One or two sentences: what runs, and what to look at. */
  readonly summary: string
  /** Whether its lanes may be killed, and what happens then, in one sentence. */
  readonly kill: string | undefined
}

/** What a thread, a process or a task is doing. `dead`: it has ended, or was killed; another lane takes its place. */
export type LaneState = 'starting' | 'idle' | 'running' | 'waiting' | 'holding' | 'dead'

/** A row of the timeline. */
export interface Lane {
  /** Never used twice. */
  readonly id: number
  readonly title: string
  readonly kind: 'thread' | 'process' | 'task'
  readonly pid: number | undefined
  readonly threadId: number | undefined
  readonly state: LaneState
  /** What it waits for, holds or runs. */
  readonly on: string | undefined
  readonly canKill: boolean
  /** What to call the end that {@link Action} `kill` makes of it. Without it: Kill. */
  readonly killVerb?: 'Kill' | 'Cancel'
}

/** From this time on a lane was in this state. Those of one lane come in the order of their times. */
export interface LaneChange {
  readonly lane: number
  readonly time: number
  readonly state: LaneState
  readonly on: string | undefined
}

/** A lock, sampled from its shared words. */
export interface LockView {
  readonly name: string
  readonly kind: string
  /** Lanes that hold it, or are inside; empty: free. */
  readonly holders: readonly number[]
  readonly waiters: readonly number[]
  /** How often it was taken over from an owner that died. */
  readonly recovered: number
}

export interface QueueView {
  readonly name: string
  readonly size: number
  readonly capacity: number
  readonly put: number
  readonly got: number
}

export interface PoolView {
  readonly name: string
  readonly running: number
  readonly queued: number
  readonly succeeded: number
  readonly failed: number
  readonly crashes: number
  /** Milliseconds; undefined before the first task has ended. */
  readonly waitMs: Percentiles | undefined
  readonly runMs: Percentiles | undefined
}

export interface Percentiles {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

export interface LimiterView {
  readonly name: string
  /** What is in the bucket, and what fits into it. */
  readonly level: number
  readonly capacity: number
  readonly granted: number
  readonly waiting: number
}

/** Data of the event `snapshot`: how it is, and what has changed since the one before. */
export interface Snapshot {
  readonly time: number
  /** The name of the scenario that runs; undefined: none does. */
  readonly scenario: string | undefined
  /** 1: full speed; 2: all takes twice as long, and so on. */
  readonly pace: number
  /** Also those that have died since the scenario began, the last ones of them. */
  readonly lanes: readonly Lane[]
  /** To a reader that was slow also those of lanes of the scenario before. */
  readonly changes: readonly LaneChange[]
  readonly locks: readonly LockView[]
  readonly queues: readonly QueueView[]
  readonly pools: readonly PoolView[]
  readonly limiters: readonly LimiterView[]
  /** What is worth a line, such as the death of a worker and what came of it: since the snapshot before. */
  readonly notes: readonly { readonly time: number; readonly text: string }[]
}

/** What the page may ask for, as JSON. An answer that is not 204 is JSON `{ error }`. */
export type Action =
  /** Ends what runs, and begins this one. */
  | { readonly do: 'start'; readonly scenario: string }
  | { readonly do: 'stop' }
  /** 1 to 20. */
  | { readonly do: 'pace'; readonly pace: number }
  /** A thread by `terminate()`, a process by SIGKILL; a task is cancelled. */
  | { readonly do: 'kill'; readonly lane: number }
