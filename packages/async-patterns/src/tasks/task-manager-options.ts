import type { DurationStats } from './duration-histogram.js'
import type { DroppedTask, WhenFull } from './scheduler-options.js'

export interface AsyncTaskManagerOptions {
  /** The most tasks at work at a time, 1 or more, or Infinity; can be changed later. Default: 10. */
  readonly maxConcurrent?: number | undefined
  /** The most tasks that wait in the queue, 0 or more, or Infinity. Default: 1,000. */
  readonly maxQueued?: number | undefined
  /**
   * What happens to a task when the queue is full. `wait` (the default): it waits for room, and so does whoever awaits
   * `submitTask`. `reject`: it is refused with a QueueFullError. `drop-oldest`: of the queued tasks of the lowest priority the
   * oldest is dropped, or the new one if it has a lower priority than all. `drop-newest`: the new task is dropped.
   */
  readonly whenFull?: WhenFull | undefined
  /** Is told of each task that was dropped since the queue was full. What it throws is an uncaught exception. */
  readonly onDropped?: ((task: DroppedTask) => void) | undefined
  /** The most results of submitted tasks that are kept untaken; the oldest are dropped. Default: 10,000. */
  readonly maxResults?: number | undefined
  /**
   * Milliseconds for which the place of an aborted task is kept while its body runs on; then the body is abandoned, and
   * another task takes the place. Infinity: until the body ends. Default: 1,000.
   */
  readonly abortGrace?: number | undefined
}

export interface AsyncMapOptions {
  /** The most items under way at a time, 1 or more; never more than the manager lets in. Default: `maxConcurrent`. */
  readonly concurrency?: number | undefined
  /** False: results come as they are done. Default: true, in the order of the items. */
  readonly ordered?: boolean | undefined
  /** Milliseconds that one item may take; default: no limit. The map then fails with a TimeoutError in that item's place. */
  readonly timeout?: number | undefined
  /** Ends the map; whoever waits for a result is told `signal.reason` as given. */
  readonly signal?: AbortSignal | undefined
}

/** What a manager has done and holds: a snapshot. */
export interface AsyncTaskManagerStats {
  readonly maxConcurrent: number
  /** Tasks and items of maps that are at work. */
  readonly running: number
  /** Tasks in the queue. */
  readonly queued: number
  /** Tasks that wait for room in the queue. */
  readonly waitingForRoom: number
  /** Since the manager was made; the items of maps are counted as tasks. */
  readonly succeeded: number
  readonly failed: number
  /** Aborted by a signal, by `cancelTask` or by `terminate`. */
  readonly cancelled: number
  readonly timedOut: number
  /** Dropped since the queue was full, or by `clear`. */
  readonly dropped: number
  /** Not taken on: the manager was closed, or full with `whenFull: 'reject'`. */
  readonly refused: number
  /** Aborted, and their bodies did not end within `abortGrace`. */
  readonly abandoned: number
  /** Results that nobody took in time; see `maxResults`. */
  readonly droppedResults: number
  /** How long tasks waited before they began, and then ran, in milliseconds; the items of maps are not among them. */
  readonly waitTimes: DurationStats
  readonly runTimes: DurationStats
}
