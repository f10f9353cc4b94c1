import { BrokenError, TaskError } from '../errors.js'
import type { Death } from '../slots/worker-link.js'
import type { WorkerSlot } from '../slots/worker-slot.js'
import type { Chunk } from './chunk.js'
import type { Envelope } from './envelope.js'
import type { Job } from './job.js'

/** So many workers may end one after another before they could begin a run; then it is given up. */
const maxLostStarts = 3

/**
 * What becomes of the runs that a worker took along, for each run of each envelope:
 *
 * - one that has not begun is run again;
 * - one that may have begun is run again if its task is idempotent, else it fails with a BrokenError that says so;
 * - the one that ran when the worker ended is suspected to have ended it. It travels alone from now on, and when it has ended
 *   more workers than its task allows, it is refused with `ERR_POISON_TASK`. In a thread that one is known by the claim words.
 *   Between processes any of a shared envelope may be it: each is tried alone; of a chunk, which may be long, first about
 *   as many parts as each has items, then these.
 */
export class Recovery {
  /** To be run again, in this order, before all that wait. */
  readonly again: Job[] = []
  readonly failed: { job: Job; error: unknown }[] = []
  /** Items of chunks that have failed: so many from `offset` on. */
  readonly failedItems: { chunk: Chunk; offset: number; count: number; error: unknown }[] = []
  readonly #slot: WorkerSlot
  readonly #death: Death
  readonly #what: string
  readonly #now: number
  /** Makes a job for a part of a chunk. */
  readonly #split: (job: Job, chunk: Chunk) => Job

  constructor(slot: WorkerSlot, death: Death, what: string, now: number, split: (job: Job, chunk: Chunk) => Job) {
    this.#slot = slot
    this.#death = death
    this.#what = what
    this.#now = now
    this.#split = split
    // If a run was under way, the worker has ended in that one, and not at the start of the next.
    let isNext = !slot.isKilled && !slot.inFlight.some((envelope) => slot.begunOf(envelope) > envelope.answered)
    for (const envelope of slot.inFlight) {
      const begun = slot.begunOf(envelope)
      const [first] = envelope.jobs
      if (first?.chunk) this.#recoverChunk(envelope, first, first.chunk, begun, isNext)
      else this.#recoverJobs(envelope, begun, isNext)
      if (begun < envelope.count) isNext = false
    }
  }

  #recoverJobs(envelope: Envelope, begun: number, isNext: boolean): void {
    envelope.jobs.forEach((job, index) => {
      if (job.isSettled || job.envelope !== envelope) return
      if (index >= begun) this.#lostStart(envelope, job, isNext && index === begun)
      else this.#interrupted(envelope, job, this.#isSuspect(envelope, index, begun))
    })
  }

  /** Whether this is the run that the worker ended in. Between processes, of many none is known. */
  #isSuspect(envelope: Envelope, index: number, begun: number): boolean {
    if (this.#slot.isKilled) return false
    return this.#slot.words === undefined ? envelope.count === 1 : index === begun - 1
  }

  #lostStart(envelope: Envelope, job: Job, isNext: boolean): void {
    if (isNext) job.lostStarts += 1
    if (job.lostStarts >= maxLostStarts || !job.canBeSentAgain)
      this.failed.push({ job, error: this.#broken(envelope, job, false) })
    else this.again.push(job)
  }

  #interrupted(envelope: Envelope, job: Job, isSuspect: boolean): void {
    const error = this.#broken(envelope, job, true)
    if (!job.mayRunTwice) {
      this.failed.push({ job, error })
      return
    }
    if (!this.#slot.isKilled && (isSuspect || this.#slot.words === undefined)) job.isSuspect = true
    if (isSuspect) job.crashes += 1
    const refusal = this.#refusalOf(job, job.crashes, error)
    if (refusal) this.failed.push({ job, error: refusal })
    else {
      job.attempt += 1
      this.again.push(job)
    }
  }

  /** Undefined: after so many crashes it may run again. */
  #refusalOf(job: Job, times: number, error: BrokenError): unknown {
    const { crashes } = job.retries
    if (times <= crashes) return undefined
    if (crashes === 0) return error
    return new TaskError(
      'ERR_POISON_TASK',
      `task ${job.task.name} has ended ${times} workers and is not run again: ${error.message}`,
      { cause: error },
    )
  }

  #recoverChunk(envelope: Envelope, job: Job, chunk: Chunk, begun: number, isNext: boolean): void {
    if (job.isSettled || job.envelope !== envelope) return
    const { answered, count } = envelope
    const part = (from: number, to: number) => this.#split(job, chunk.part(from, to))
    if (begun > answered) this.#recoverBegun(envelope, job, chunk, begun, part)
    if (begun >= count || envelope.keptRuns !== undefined) return
    const lostStarts = isNext ? job.lostStarts + 1 : 0
    if (lostStarts >= maxLostStarts) this.#failItems(chunk, begun, count, this.#broken(envelope, job, false))
    else this.again.push(Object.assign(part(begun, count), { lostStarts }))
  }

  #recoverBegun(
    envelope: Envelope,
    job: Job,
    chunk: Chunk,
    begun: number,
    part: (from: number, to: number) => Job,
  ): void {
    const { answered } = envelope
    const error = this.#broken(envelope, job, true)
    if (!job.mayRunTwice) {
      this.#failItems(chunk, answered, begun, error)
    } else if (this.#slot.isKilled) {
      this.again.push(part(answered, begun))
    } else if (begun - answered === 1) {
      this.#recoverSuspect(job, chunk, answered, error, part)
    } else if (this.#slot.words) {
      // All but the last have settled; their results are lost.
      this.again.push(part(answered, begun - 1))
      this.#recoverSuspect(job, chunk, begun - 1, error, part)
    } else {
      const length = Math.max(1, Math.floor(Math.sqrt(begun - answered)))
      for (let from = answered; from < begun; from += length) {
        const piece = part(from, Math.min(begun, from + length))
        piece.isSuspect = true
        this.again.push(piece)
      }
    }
  }

  /** The item that the worker ended in. */
  #recoverSuspect(
    job: Job,
    chunk: Chunk,
    item: number,
    error: BrokenError,
    part: (from: number, to: number) => Job,
  ): void {
    const crashes = job.crashes + 1
    const refusal = this.#refusalOf(job, crashes, error)
    if (refusal) this.#failItems(chunk, item, item + 1, refusal)
    else this.again.push(Object.assign(part(item, item + 1), { isSuspect: true, crashes, attempt: job.attempt + 1 }))
  }

  #failItems(chunk: Chunk, from: number, to: number, error: unknown): void {
    this.failedItems.push({ chunk, offset: chunk.offset + from, count: to - from, error })
  }

  #broken(envelope: Envelope, job: Job, began: boolean): BrokenError {
    const { how, exitCode, signal, pid, threadId, cause } = this.#death
    const { name } = job.task
    const what = began ? `that ran task ${name}` : `that was to run task ${name}`
    return new BrokenError(`the ${this.#what} ${what} ${how}`, {
      exitCode,
      signal,
      pid,
      threadId,
      attempt: job.attempt,
      began,
      waitMs: envelope.sentAt - job.since,
      runMs: this.#now - envelope.sentAt,
      cause,
    })
  }
}
