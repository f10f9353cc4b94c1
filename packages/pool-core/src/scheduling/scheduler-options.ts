import type { Boundary, Encoded } from '@heddle/codec'
import type { TaskRef } from '../protocol.js'
import type { StartWorker } from '../slots/worker-link.js'

/** What happens to a task when the queue is full. */
export type WhenFull = 'wait' | 'reject' | 'caller-runs' | 'drop-oldest'

/** A task that was dropped since the queue was full. */
export interface DroppedTask {
  /** The id that `submitTask` gave out; undefined: it was not submitted. */
  readonly id: string | undefined
  /** The name of the task. */
  readonly task: string
  readonly args: readonly unknown[]
}

export interface SchedulerOptions {
  readonly name: string
  /** For messages, such as `worker thread`. */
  readonly what: string
  readonly boundary: Boundary
  readonly startWorker: StartWorker
  readonly initializer: { readonly task: TaskRef; readonly args: Encoded } | undefined
  readonly maxWorkers: number
  readonly minWorkers: number
  readonly idleTimeout: number
  readonly maxTasksPerWorker: number
  readonly maxQueued: number
  readonly whenFull: WhenFull
  readonly onDropped: ((task: DroppedTask) => void) | undefined
  readonly abortGrace: number
  readonly startTimeout: number
}
