export interface NaiveTask {
  readonly id: number
  readonly isSubmitted: boolean
  readonly priority: number
  readonly weight: number
  readonly signal: number | undefined
  readonly timeout: number
  readonly queueTimeout: number
}

export interface NaiveManagerOptions {
  readonly maxConcurrent: number
  readonly maxQueued: number
  readonly whenFull: 'wait' | 'reject' | 'drop-oldest' | 'drop-newest'
  readonly abortGrace: number
}

/** What an AsyncTaskManager does, the obvious way: arrays that are sorted and searched, and a time that is moved by hand. */
export class NaiveManager {
  constructor(options: NaiveManagerOptions)
  /** In the order in which they began. */
  readonly begun: number[]
  /** The submitted tasks that were given their ids. */
  readonly admitted: number[]
  /** What each promise has settled with. */
  readonly endings: Record<number, string>
  /** Those whose bodies have not ended. */
  readonly bodies: number[]
  readonly stats: Record<string, number>
  run(task: NaiveTask): void
  onIdle(id: number): void
  /** The body ends when all that is done in this turn was done. */
  end(id: number, ok: boolean): void
  turn(): void
  abort(signal: number): void
  cancel(id: number): boolean
  pause(): void
  resume(): void
  setMaxConcurrent(most: number): void
  clear(): number
  drain(): void
  terminate(): void
  pass(ms: number): void
}
