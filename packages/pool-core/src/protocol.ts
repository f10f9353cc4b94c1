import type { Encoded } from '@heddle/codec'
import type { FunctionSource } from './functions/function-source.js'
import type { TaskAddress } from './tasks/task-address.js'

/**
 * What goes over the lane between a pool and one of its workers. A lane lives exactly as long as its worker, so what comes
 * late, from a worker that was replaced, comes over a lane that nobody reads. Within a lane everything keeps its order, and
 * answers name the call that they are for.
 */
export type ToWorker = TaskMessage | ForgetMessage | CallMessage | BatchMessage | AbortMessage | CreditMessage

/** The first message: what the worker has to know before it can serve. Goes with the connection, see `HostKind`. */
export interface Hello {
  /** The claim words of the slot, see `claim-words.ts`; undefined between processes. */
  readonly words: Int32Array | undefined
  /** Run before any task; when it throws, the worker is of no use. */
  readonly initializer: { readonly task: TaskRef; readonly args: Encoded } | undefined
}

/** The answer to it. */
export type HelloReply =
  | { readonly ok: true; readonly pid: number | undefined; readonly threadId: number | undefined }
  | { readonly ok: false; readonly error: Encoded }

export type TaskRef = TaskAddress | FunctionSource

/** Names a task once for all calls to come. */
export interface TaskMessage {
  readonly type: 'task'
  readonly ref: number
  readonly task: TaskRef
}

/** A task that was not used for long: if it is, it will be named again. */
export interface ForgetMessage {
  readonly type: 'forget'
  readonly ref: number
}

/** One task by itself. */
export interface CallMessage {
  readonly type: 'call'
  readonly id: number
  readonly ref: number
  readonly args: Encoded
  readonly attempt: number
  /** The id by which the caller knows it, if it has one. */
  readonly name: string | undefined
  /** Whether to say when it begins: somebody counts its time. */
  readonly tellStart: boolean
  /** Whether somebody listens to its progress. */
  readonly tellProgress: boolean
  /** Of a task whose result is a stream: how many values may be on their way; undefined: its result is one value. */
  readonly credits: number | undefined
}

/** Many runs of one task that must not be told apart from runs of their own, except by the clock. */
export interface BatchMessage {
  readonly type: 'batch'
  readonly id: number
  readonly ref: number
  /** One for each run: a list of arguments, or with `spread: false` the only argument. Numbers alone come packed. */
  readonly items: Encoded | Float64Array
  readonly spread: boolean
  /** They belong together: nobody waits for one of them alone. */
  readonly isChunk: boolean
  readonly attempt: number
  /** The ids by which callers know them, if any has one. */
  readonly names: readonly (string | undefined)[] | undefined
}

/** Whoever waited for this call does not wait any longer. */
export interface AbortMessage {
  readonly type: 'abort'
  readonly id: number
  /** Which run of a batch; it is told only while it runs. */
  readonly index: number
  readonly reason: Encoded
}

/** So many more values of a stream may be sent. */
export interface CreditMessage {
  readonly type: 'credit'
  readonly id: number
  readonly count: number
}

export type FromWorker =
  | { readonly type: 'started'; readonly id: number }
  /** The task has asked for its signal: an abort will be heard. */
  | { readonly type: 'listening'; readonly id: number }
  | { readonly type: 'progress'; readonly id: number; readonly value: Encoded }
  | { readonly type: 'chunk'; readonly id: number; readonly value: Encoded }
  | DoneMessage
  | BatchDoneMessage
  /** It was taken back before it could begin. */
  | { readonly type: 'skipped'; readonly id: number }
  /** An uncaught error; the worker probably ends of it. */
  | { readonly type: 'uncaught'; readonly error: Encoded }

export interface DoneMessage {
  readonly type: 'done'
  readonly id: number
  readonly ok: boolean
  readonly outcome: Encoded
  /** Milliseconds that it ran. */
  readonly ms: number
  /** The worker must not be used again: the task has left a lock behind. */
  readonly retire: boolean
}

export interface BatchDoneMessage {
  readonly type: 'batch-done'
  readonly id: number
  /** The item that the first value belongs to: what came before was sent before. */
  readonly from: number
  /** Results in the order of the items; where an error is, anything. Numbers alone come packed. */
  readonly values: readonly unknown[] | Float64Array
  /** Those of them that have to be decoded, in place of their values. */
  readonly encoded: readonly BatchFailure[] | undefined
  readonly errors: readonly BatchFailure[] | undefined
  /** How many items have settled by now. */
  readonly count: number
  /** No more of it will run: all have, or the rest was taken back, or the last one has left a lock behind. */
  readonly last: boolean
  /** Milliseconds for these results. */
  readonly ms: number
  readonly retire: boolean
}

export type BatchFailure = readonly [index: number, error: Encoded]
