import {
  addAbortCallback,
  DurationHistogram,
  holdProcess,
  letProcessGo,
  removeAbortCallback,
} from '@heddle/pool-core/building-blocks'
import type { ClusterJob, JobEnd } from './cluster-job.js'

/**
 * The tasks of this program that have not settled, and what has become of the others.
 *
 * Invariant: a job that was opened is settled exactly once; then it hangs on no signal and keeps the process alive no longer.
 */
export class ClusterJobBook {
  readonly counts: Record<JobEnd, number> = {
    succeeded: 0,
    failed: 0,
    cancelled: 0,
    timedOut: 0,
    dropped: 0,
    refused: 0,
  }
  readonly waitTimes = new DurationHistogram()
  readonly runTimes = new DurationHistogram()
  readonly #jobs = new Map<string, ClusterJob>()
  readonly #idleWaiters = new Set<() => void>()
  readonly #onRoom: () => void
  #running = 0
  #sent = 0

  /** @param onRoom - one that was sent has settled */
  constructor(onRoom: () => void) {
    this.#onRoom = onRoom
  }

  get size(): number {
    return this.#jobs.size
  }

  get isIdle(): boolean {
    return this.#jobs.size === 0
  }

  /** Those that a node has told to have begun. */
  get running(): number {
    return this.#running
  }

  get(id: string): ClusterJob | undefined {
    return this.#jobs.get(id)
  }

  all(): ClusterJob[] {
    return Array.from(this.#jobs.values())
  }

  /** @param onAbort - its signal has aborted */
  open(job: ClusterJob, onAbort: (job: ClusterJob) => void): void {
    this.#jobs.set(job.id, job)
    holdProcess()
    if (!job.signal) return
    job.onAbort = () => onAbort(job)
    addAbortCallback(job.signal, job.onAbort)
  }

  /** How many were sent and have not settled. */
  get sent(): number {
    return this.#sent
  }

  noteSent(job: ClusterJob): void {
    job.takesRoom = true
    this.#sent += 1
  }

  begin(job: ClusterJob): void {
    if (job.isSettled || job.state === 'running') return
    job.state = 'running'
    this.#running += 1
  }

  /** @param runMs - how long it ran; undefined: it did not, or that is not known */
  settle(job: ClusterJob, how: JobEnd, value: unknown, runMs?: number): void {
    if (job.isSettled) return
    if (job.state === 'running') this.#running -= 1
    job.state = 'settled'
    this.#jobs.delete(job.id)
    if (job.signal && job.onAbort) removeAbortCallback(job.signal, job.onAbort)
    job.onAbort = undefined
    this.counts[how] += 1
    if (runMs !== undefined) {
      this.runTimes.record(runMs)
      this.waitTimes.record(Math.max(0, performance.now() - job.since - runMs))
    }
    if (how === 'succeeded') job.resolve(value)
    else job.reject(value)
    letProcessGo()
    if (job.takesRoom) {
      this.#sent -= 1
      this.#onRoom()
    }
    if (this.#jobs.size > 0) return
    for (const wake of Array.from(this.#idleWaiters)) wake()
  }

  /** Calls back once nothing is open. Returns what takes it back. */
  whenIdle(wake: () => void): () => void {
    this.#idleWaiters.add(wake)
    return () => this.#idleWaiters.delete(wake)
  }
}
