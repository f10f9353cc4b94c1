import type { FollowedJob } from '@heddle/pool-core/building-blocks'
import type { StoredTask } from './task-queue.js'

/** What the settling of a task came from, as the statistics count it. */
export type JobEnd = 'succeeded' | 'failed' | 'cancelled' | 'timedOut' | 'dropped' | 'refused'

/** `line`: not sent yet. `sending`: the server may have it. `stored`: it has. `running`: a node has told that it begins. */
export type JobState = 'line' | 'sending' | 'stored' | 'running' | 'settled'

/**
 * One task that this program has accepted, until it has settled.
 *
 * Invariant: `resolve` or `reject` is called exactly once, when the state becomes `settled`.
 */
export class ClusterJob implements FollowedJob {
  readonly stored: StoredTask
  readonly idempotent: boolean
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((value: unknown) => void) | undefined
  readonly since: number = performance.now()
  resolve: (result: unknown) => void
  reject: (error: unknown) => void
  state: JobState = 'line'
  /** It takes up room among those that the server may have. */
  takesRoom = false
  /** When the server was asked for it last, on the monotonic clock. */
  askedAt = 0
  /** How often it was looked for in vain. */
  losses = 0
  onStored: (() => void) | undefined = undefined
  onAbort: (() => void) | undefined = undefined

  constructor(
    stored: StoredTask,
    limits: {
      readonly idempotent: boolean
      readonly signal: AbortSignal | undefined
      readonly onProgress: ((value: unknown) => void) | undefined
    },
    resolve: (result: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.stored = stored
    this.idempotent = limits.idempotent
    this.signal = limits.signal
    this.onProgress = limits.onProgress
    this.resolve = resolve
    this.reject = reject
  }

  /** The server has it: it has said so itself, or a node has. Which of them is heard first is open. */
  noteStored(): void {
    if (this.state !== 'sending') return
    this.state = 'stored'
    this.onStored?.()
  }

  get id(): string {
    return this.stored.id
  }

  get isSettled(): boolean {
    return this.state === 'settled'
  }

  /** Whether the server has it, or may have it. */
  get isSent(): boolean {
    return this.state !== 'line' && this.state !== 'settled'
  }
}
