import type { Encoded } from '@heddle/codec'
import type { WorkerSlot } from '../slots/worker-slot.js'
import type { RetryCounts } from '../tasks/task-policy.js'
import type { TaskRecord } from '../tasks/task-record.js'
import type { Transferable } from '../tasks/with-transfer.js'
import type { Chunk } from './chunk.js'
import type { Envelope } from './envelope.js'
import type { Linked } from './linked-list.js'

/** What a caller has asked for beside the task and its arguments; who asks for nothing has none. */
export interface JobLimits {
  /** Milliseconds that it may run. */
  readonly timeout: number | undefined
  readonly signal: AbortSignal | undefined
  readonly priority: number
  readonly transfer: readonly Transferable[] | undefined
  readonly onProgress: ((value: unknown) => void) | undefined
  readonly retries: RetryCounts | undefined
  /** Of a stream: how many values may be on their way, and who takes them. */
  readonly stream: StreamSink | undefined
}

export interface StreamSink {
  readonly credits: number
  onChunk(value: unknown): void
  /** Is told how to ask for more of the run that has begun. */
  onStart(addCredits: (count: number) => void): void
}

export type JobState = 'new' | 'waiting for room' | 'queued' | 'sent' | 'settled'

/** What the settling of a job came from, as the statistics count it. */
export type JobEnd = 'succeeded' | 'failed' | 'cancelled' | 'timedOut' | 'dropped' | 'refused'

/**
 * One accepted run, until it has settled.
 *
 * Invariant: `resolve` or `reject` is called exactly once, when the state becomes `settled`; of a chunk neither, its sink is told
 * of each item once.
 */
export class Job implements Linked {
  readonly task: TaskRecord
  args: Encoded | undefined
  readonly limits: JobLimits | undefined
  resolve: (result: unknown) => void
  reject: (error: unknown) => void
  /** Milliseconds on the monotonic clock. */
  readonly since: number
  /** Counts the jobs of a pool: who came first has the smaller one. */
  readonly number: number
  state: JobState = 'new'
  /** The id that `submitTask` gave out. */
  id: string | undefined = undefined
  /** Where it is, while it is sent. */
  envelope: Envelope | undefined = undefined
  attempt = 1
  crashes = 0
  errors = 0
  timeouts = 0
  /** Workers that ended before they could begin it, though it was the next. */
  lostStarts = 0
  /** It was taken back from a worker that may have been importing its module: a second time would make it wander for ever. */
  hasLeftImport = false
  /** It may have ended a worker, so it travels by itself. */
  isSuspect = false
  onAbort: (() => void) | undefined = undefined
  stopTimer: (() => void) | undefined = undefined
  onAdmitted: (() => void) | undefined = undefined
  /** Of a job of a map: what it holds instead of arguments. */
  chunk: Chunk | undefined = undefined
  /** It is one item of a map, which has counted it: the rules of a full queue are not for it. */
  isItem = false
  /** The slot that must run it; undefined: any. */
  slot: WorkerSlot | undefined = undefined
  /** In a line of priorities: its place in the heap. */
  heapIndex = -1
  previous: Job | undefined = undefined
  next: Job | undefined = undefined
  list: object | undefined = undefined

  constructor(
    task: TaskRecord,
    args: Encoded | undefined,
    limits: JobLimits | undefined,
    since: number,
    number: number,
    resolve: (result: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.task = task
    this.args = args
    this.limits = limits
    this.since = since
    this.number = number
    this.resolve = resolve
    this.reject = reject
  }

  get isSettled(): boolean {
    return this.state === 'settled'
  }

  get priority(): number {
    return this.limits === undefined ? 0 : this.limits.priority
  }

  get retries(): RetryCounts {
    return this.limits?.retries ?? this.task.retries
  }

  /** Whether it may share an envelope with others of its task: nothing about it is its own but its arguments. */
  get isPlain(): boolean {
    return (
      this.limits === undefined &&
      !this.isSuspect &&
      // What shares an envelope cannot be told its attempt.
      this.attempt === 1 &&
      this.chunk === undefined &&
      this.slot === undefined &&
      this.args?.specials === undefined
    )
  }

  /** What was moved to a worker cannot be sent to another. */
  get canBeSentAgain(): boolean {
    return this.limits?.transfer === undefined
  }

  /** Whether it may run again after it may have begun. Values of a stream may have been read already. */
  get mayRunTwice(): boolean {
    return this.task.idempotent && this.canBeSentAgain && this.limits?.stream === undefined
  }

  get isOfMap(): boolean {
    return this.chunk !== undefined || this.isItem
  }

  /** How many runs it stands for. */
  get count(): number {
    return this.chunk === undefined ? 1 : this.chunk.count
  }
}
