/** What happens to a task when the queue of its manager is full. */
export type WhenFull = 'wait' | 'reject' | 'drop-oldest' | 'drop-newest'

/** A task that was dropped since the queue was full. */
export interface DroppedTask {
  /** Only of a task that was submitted. */
  readonly id: string | undefined
  /** What it would have been called with; undefined if it was to be run without arguments. */
  readonly args: readonly unknown[] | undefined
  /** What its promise rejects with. */
  readonly error: Error
}

export interface SchedulerOptions {
  readonly maxConcurrent: number
  readonly maxQueued: number
  readonly whenFull: WhenFull
  readonly onDropped: ((task: DroppedTask) => void) | undefined
  readonly abortGrace: number
}

/** What became of tasks, and of the items of maps. */
export interface TaskCounts {
  succeeded: number
  failed: number
  cancelled: number
  timedOut: number
  dropped: number
  refused: number
  abandoned: number
}
