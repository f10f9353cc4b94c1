import { removeAbortCallback } from '../platform/abort-registry.js'
import { holdProcess, letProcessGo } from '../platform/keep-alive.js'
import type { Chunk } from './chunk.js'
import { Job, type JobEnd } from './job.js'
import type { SchedulerStats } from './scheduler-stats.js'

/**
 * Keeps count of the jobs that were accepted and have not settled.
 *
 * Invariant: a job that was opened is settled or forgotten exactly once; then it has no timer, hangs on no signal, and keeps
 * the process alive no longer.
 */
export class JobBook {
  readonly #stats: SchedulerStats
  readonly #queued: () => number
  #unsettled = 0
  readonly #idleWaiters = new Set<() => void>()

  /** @param queued - how many jobs wait, for those who listen */
  constructor(stats: SchedulerStats, queued: () => number) {
    this.#stats = stats
    this.#queued = queued
  }

  get isIdle(): boolean {
    return this.#unsettled === 0
  }

  open(): void {
    this.#unsettled += 1
    holdProcess()
  }

  settle(job: Job, how: JobEnd, value: unknown): void {
    const { chunk } = job
    const answered = chunk === undefined ? 0 : (job.envelope?.answered ?? 0)
    this.#release(job)
    this.#stats.count(how, job.count - answered)
    this.#stats.publish(job, how, this.#queued())
    if (chunk !== undefined) {
      chunk.sink.onFailure(chunk.offset + answered, chunk.count - answered, value)
      chunk.sink.onForgotten(job)
    } else if (how === 'succeeded') job.resolve(value)
    else job.reject(value)
    this.#close()
  }

  /** A job of a map that lives on in its parts, or all of whose items have settled. */
  forget(job: Job): void {
    this.#release(job)
    job.chunk?.sink.onForgotten(job)
    this.#close()
  }

  /** Opens a job for a part of a chunk; the whole is to be forgotten, or to answer for the rest. */
  split(job: Job, chunk: Chunk): Job {
    const part = new Job(job.task, undefined, job.limits, job.since, job.number, job.resolve, job.reject)
    part.chunk = chunk
    part.attempt = job.attempt
    part.isSuspect = job.isSuspect
    this.open()
    chunk.sink.onPart(part)
    return part
  }

  #release(job: Job): void {
    if (job.state === 'sent') this.#stats.stopped(job.count)
    job.state = 'settled'
    job.stopTimer?.()
    job.stopTimer = undefined
    const signal = job.limits?.signal
    if (signal && job.onAbort) removeAbortCallback(signal, job.onAbort)
    job.onAbort = undefined
    job.args = undefined
    job.envelope = undefined
  }

  #close(): void {
    this.#unsettled -= 1
    letProcessGo()
    if (this.#unsettled > 0) return
    for (const wake of this.#idleWaiters) wake()
    this.#idleWaiters.clear()
  }

  /**
   * Counts what runs in this thread, so that whoever waits for the end waits for it as well.
   *
   * @param work - never rejects; resolves with what tells its outcome
   */
  async runOutside(work: () => Promise<() => void>): Promise<void> {
    this.open()
    this.#stats.running += 1
    const settle = await work()
    this.#stats.running -= 1
    settle()
    this.#close()
  }

  /** Calls back once nothing is open. Returns what takes it back. */
  whenIdle(wake: () => void): () => void {
    this.#idleWaiters.add(wake)
    return () => this.#idleWaiters.delete(wake)
  }
}
