import { describe, invalidArgument } from '@heddle/pool-core/building-blocks'
import type { Cluster } from '../connection/cluster.js'
import { ClusterJob } from './cluster-job.js'
import { ClusterJobBook } from './cluster-job-book.js'
import type { MapHost } from './cluster-map.js'
import { JobSender } from './job-sender.js'
import { type ClusterRunOptions, clusterRunLimitsOf, type PoolSettings, taskOf } from './pool-limits.js'
import { PoolLink } from './pool-link.js'
import { TaskQueue } from './task-queue.js'
import { pack } from './wire.js'

interface StoppableMap {
  stop(error: Error): void
}

/**
 * Sends the tasks of one program to a pool of nodes and follows them until they have settled.
 *
 * Invariant: at most `maxQueued` tasks are sent and have not settled; further ones wait in the order in which they came.
 * Invariant: a task that was given up while the server may have it is taken away there, or ended on its node.
 */
export class TaskDispatcher {
  readonly pool: string
  readonly book = new ClusterJobBook(() => this.#sendFromRoom())
  readonly #caller: string
  readonly #maxQueued: number
  readonly #queue: TaskQueue
  readonly #link: PoolLink
  readonly #sender: JobSender
  readonly #maps = new Set<StoppableMap>()
  /** Those that wait for room. */
  readonly #room = new Set<ClusterJob>()
  /** Removals that are under way. */
  readonly #removals = new Set<Promise<void>>()
  /** Those that are given up in this turn, and whether some of them are being sent. */
  #toRemove: string[] = []
  #removesSending = false
  #jobs = 0
  #hasPaused = false
  #closedError: Error | undefined
  #drained: Promise<void> | undefined
  #closed: Promise<void> | undefined

  /** @param caller - names this program's channel of replies */
  constructor(cluster: Cluster, settings: PoolSettings, caller: string) {
    this.pool = settings.name
    this.#caller = caller
    this.#maxQueued = settings.maxQueued
    this.#queue = new TaskQueue(cluster, settings.name, settings.onError)
    this.#link = new PoolLink(cluster, settings.name, caller, this.book, this.#queue)
    this.#sender = new JobSender(this.#queue, () => this.#link.ready(), {
      onStored: (job) => job.noteStored(),
      onFailure: (job, error) => {
        this.book.settle(job, 'failed', error)
      },
    })
  }

  get waitingForRoom(): number {
    return this.#room.size
  }

  /** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`, NotCloneableError `ERR_NOT_CLONEABLE` */
  newJob(
    task: unknown,
    args: readonly unknown[],
    options: ClusterRunOptions | undefined,
    resolve: (result: unknown) => void,
    reject: (error: unknown) => void,
  ): ClusterJob {
    const definition = taskOf(task)
    if (!Array.isArray(args)) throw invalidArgument(`the task's arguments must be an array, not ${describe(args)}`)
    // PostgreSQL stores no such text, and would refuse all that are stored along with it.
    if (definition.name.includes('\0') || !definition.name.isWellFormed())
      throw invalidArgument(`a cluster cannot store the name of the task ${JSON.stringify(definition.name)}`)
    const { timeout, signal, priority, onProgress, retries } = clusterRunLimitsOf(options, definition)
    this.#jobs += 1
    const data = {
      a: pack(args),
      c: this.#caller,
      ...(timeout === undefined ? {} : { t: timeout }),
      ...(retries === undefined ? {} : { n: retries }),
      ...(onProgress === undefined ? {} : { p: true as const }),
    }
    return new ClusterJob(
      { id: `${this.#caller}-${this.#jobs}`, name: definition.name, data, priority },
      { idempotent: definition.idempotent, signal, onProgress },
      resolve,
      reject,
    )
  }

  /** Takes a task on, or rejects it. */
  admit(job: ClusterJob): void {
    const { signal } = job
    if (this.#closedError || signal?.aborted) {
      job.state = 'settled'
      this.book.counts[this.#closedError ? 'refused' : 'cancelled'] += 1
      job.reject(this.#closedError ?? signal?.reason)
      return
    }
    this.book.open(job, (aborted) => this.giveUp(aborted, aborted.signal?.reason))
    this.#room.add(job)
    this.#sendFromRoom()
  }

  /** Settles a task at once; the server and its node are told. */
  giveUp(job: ClusterJob, reason: unknown): void {
    if (job.isSettled) return
    const { isSent, state } = job
    this.#room.delete(job)
    this.book.settle(job, 'cancelled', reason)
    if (isSent) this.#remove(job, state === 'sending')
  }

  mapHost(task: unknown, timeout: number | undefined): MapHost {
    const closedError = () => this.#closedError
    return {
      get closedError() {
        return closedError()
      },
      addMap: (map) => this.#maps.add(map),
      removeMap: (map) => this.#maps.delete(map),
      removals: () => this.#allRemovals(),
      runItem: (item, onValue, onError) => {
        try {
          const job = this.newJob(task, [item], { timeout }, onValue, onError)
          this.admit(job)
          return { cancel: (reason) => this.giveUp(job, reason) }
        } catch (error) {
          // Later, as all others.
          queueMicrotask(() => onError(error))
          return { cancel: () => undefined }
        }
      },
    }
  }

  pause(): void {
    // What was accepted is to end.
    if (this.#closedError) return
    this.#hasPaused = true
    this.#sender.after(() => this.#queue.pause()).catch(() => undefined)
  }

  resume(): void {
    if (this.#closed) return
    this.#resumeNow()
  }

  #resumeNow(): void {
    this.#hasPaused = false
    this.#sender.after(() => this.#queue.resume()).catch(() => undefined)
  }

  drain(closedError: Error): Promise<void> {
    this.#drained ??= this.#drain(closedError)
    return this.#drained
  }

  async terminate(closedError: Error, errorOf: () => Error): Promise<void> {
    this.#stopAccepting(closedError)
    for (const job of this.book.all()) this.giveUp(job, errorOf())
    await this.#close()
  }

  async #drain(closedError: Error): Promise<void> {
    this.#stopAccepting(closedError)
    if (this.#hasPaused) this.resume()
    if (!this.book.isIdle) {
      await new Promise<void>((resolve) => {
        const forget = this.book.whenIdle(() => {
          forget()
          resolve()
        })
      })
    }
    await this.#close()
  }

  #stopAccepting(error: Error): void {
    this.#closedError ??= error
    for (const map of Array.from(this.#maps)) map.stop(this.#closedError)
  }

  #close(): Promise<void> {
    this.#closed ??= this.#closeNow()
    return this.#closed
  }

  async #closeNow(): Promise<void> {
    await this.#allRemovals()
    if (this.#hasPaused) this.#resumeNow()
    await this.#sender.idle()
    this.#link.close()
    await this.#queue.close()
  }

  async #allRemovals(): Promise<void> {
    while (this.#removals.size > 0) await Promise.all(this.#removals)
  }

  #sendFromRoom(): void {
    for (const job of this.#room) {
      if (this.book.sent >= this.#maxQueued) return
      this.#room.delete(job)
      this.book.noteSent(job)
      this.#sender.send(job)
    }
  }

  /** Has them taken away, together with all others that are given up in this turn. */
  #remove(job: ClusterJob, wasSending: boolean): void {
    if (wasSending) this.#removesSending = true
    this.#toRemove.push(job.id)
    if (this.#toRemove.length > 1) return
    const removal = Promise.resolve()
      .then(() => this.#removeNow())
      .catch(() => undefined)
    this.#removals.add(removal)
    void removal.finally(() => this.#removals.delete(removal))
  }

  /**
   * They are taken away, so that no node gets them; a node that has one already, or gets it meanwhile, is told not to begin it, or
   * to end it.
   */
  async #removeNow(): Promise<void> {
    const ids = this.#toRemove
    const wereSending = this.#removesSending
    this.#toRemove = []
    this.#removesSending = false
    const remove = () => this.#queue.remove(ids)
    // What is on its way to the server has to be there first.
    await Promise.all([this.#link.cancel(ids), wereSending ? this.#sender.after(remove) : remove()])
  }
}
