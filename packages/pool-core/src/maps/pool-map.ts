import { encodeValue } from '@heddle/codec'
import type { MapResults } from '../executor.js'
import { addAbortCallback, removeAbortCallback } from '../platform/abort-registry.js'
import { Chunk, type ChunkSink } from '../scheduling/chunk.js'
import { Job, type JobLimits } from '../scheduling/job.js'
import type { Scheduler, StoppableMap } from '../scheduling/scheduler.js'
import type { TaskRecord } from '../tasks/task-record.js'
import { ChunkSizes } from './chunk-sizes.js'
import { MapOutput } from './map-output.js'
import { MapSource, type Pulled } from './map-source.js'

export interface MapLimits {
  /** The most items under way; undefined: twice as many chunks as workers. */
  readonly concurrency: number | undefined
  readonly ordered: boolean
  readonly chunkSize: number | 'auto'
  /** What each item has of its own; then each travels alone. */
  readonly each: JobLimits | undefined
  readonly signal: AbortSignal | undefined
}

/**
 * One lazy map: pulls items while results are asked for, sends them in chunks, and gives the results.
 *
 * Invariant: while somebody asks, no more items were pulled than `concurrency` beyond those that were given; while nobody asks,
 * nothing is pulled.
 * Invariant: its scheduler and the caller's signal know of the map only from the first ask until it is over.
 * Invariant: once the output is over, nothing of it begins, and the input is closed.
 */
export class PoolMap<Result> implements MapResults<Result>, ChunkSink, StoppableMap {
  readonly #scheduler: Scheduler
  readonly #task: TaskRecord
  readonly #limits: MapLimits
  readonly #nextNumber: () => number
  readonly #source: MapSource
  readonly #output = new MapOutput()
  readonly #sizes: ChunkSizes
  readonly #jobs = new Set<Job>()
  #pulled = 0
  #settled = 0
  #hasBegun = false
  /** An item has failed: what was pulled before is still given, and nothing more is pulled. */
  #hasFailed = false
  #isEnding = false
  #ended: Promise<void> = Promise.resolve()

  constructor(
    scheduler: Scheduler,
    task: TaskRecord,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    limits: MapLimits,
    nextNumber: () => number,
  ) {
    this.#scheduler = scheduler
    this.#task = task
    this.#limits = limits
    this.#nextNumber = nextNumber
    this.#source = new MapSource(items, () => this.#goOn())
    const mayShare = limits.each === undefined && (scheduler.options.boundary === 'thread' || task.idempotent)
    this.#sizes = new ChunkSizes(
      task,
      mayShare ? limits.chunkSize : 1,
      limits.concurrency,
      scheduler.options.maxWorkers,
    )
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Result, undefined>> {
    this.#begin()
    // Before it is given: as long as results are asked for, the workers have something to do.
    if (!this.#isEnding) this.#pull()
    const result = this.#output.read()
    this.#goOn()
    return result as Promise<IteratorResult<Result, undefined>>
  }

  toArray(): Promise<Result[]> {
    this.#begin()
    const results = this.#output.collect()
    this.#goOn()
    return results as Promise<Result[]>
  }

  async return(): Promise<IteratorResult<Result, undefined>> {
    const isCollecting = this.#output.isCollecting
    await this.#end(
      isCollecting ? { error: new DOMException('the map was ended by return()', 'AbortError') } : undefined,
    )
    return { done: true, value: undefined }
  }

  stop(error: Error): void {
    this.#source.stop(error)
    this.#goOn()
  }

  /** At the first ask. */
  #begin(): void {
    if (this.#hasBegun || this.#isEnding) return
    this.#hasBegun = true
    const { signal } = this.#limits
    this.#scheduler.addMap(this)
    if (signal?.aborted) this.#onAbort()
    else if (signal) addAbortCallback(signal, this.#onAbort)
    const { closedError } = this.#scheduler
    if (closedError) this.stop(closedError)
  }

  readonly #onAbort = (): void => {
    const reason: unknown = this.#limits.signal?.reason
    for (const job of Array.from(this.#jobs)) this.#scheduler.giveUp(job, reason, 'cancelled')
    this.#end({ error: reason }).catch(() => undefined)
  }

  #goOn(): void {
    if (this.#isEnding || !this.#hasBegun) return
    if (this.#output.isAsked) this.#pull()
    if (this.#isEnding) return
    const failure = this.#output.give()
    if (failure) this.#end(failure).catch(() => undefined)
    else this.#endIfDone()
  }

  #pull(): void {
    while (!this.#source.isOver && !this.#hasFailed) {
      // Whoever asks for all results takes each as it comes.
      const underWay = this.#pulled - (this.#output.isCollecting ? this.#settled : this.#output.given)
      const most = this.#sizes.next(underWay, this.#settled, this.#jobs.size, this.#source.left)
      if (most === 0) return
      // What an async input has given waits for company only while all workers have something to do.
      const isWaiting = this.#source.isAsking && this.#source.arrived < most
      if (isWaiting && this.#jobs.size >= 2 * this.#scheduler.options.maxWorkers) return
      const items = this.#source.take(most)
      if (items.length > 0) this.#send(items)
      if (items.length < most) return
    }
  }

  #send(items: Pulled): void {
    const offset = this.#pulled
    this.#pulled += items.length
    if (this.#limits.ordered) this.#output.reserve(items.length)
    if (this.#limits.each) {
      this.#sendEach(offset, items)
      return
    }
    let chunk: Chunk | undefined
    try {
      chunk = Chunk.of(offset, items, this, this.#scheduler.options.boundary)
    } catch {
      this.#sendUpToBad(offset, items)
      return
    }
    // A shared object that cannot be opened there must not fail the items beside it.
    if (chunk) this.#admit(chunk)
    else this.#sendEach(offset, items)
  }

  #sendEach(offset: number, items: Pulled): void {
    for (let index = 0; index < items.length; index += 1) this.#sendAlone(offset + index, items[index])
  }

  #admit(chunk: Chunk): void {
    const ignore = () => undefined
    const job = new Job(this.#task, undefined, undefined, performance.now(), this.#nextNumber(), ignore, ignore)
    job.chunk = chunk
    this.#jobs.add(job)
    this.#scheduler.admit(job)
  }

  /** One of them cannot be cloned: it fails in its place, and those before it run. */
  #sendUpToBad(offset: number, items: Pulled): void {
    const { boundary } = this.#scheduler.options
    let good = 0
    try {
      // As an argument of the task, which is how its path reads.
      for (; good < items.length; good += 1) encodeValue([items[good]], boundary)
      throw new TypeError('the items cannot be cloned together')
    } catch (error) {
      if (good > 0) this.#sendEach(offset, items.slice(0, good))
      this.onFailure(offset + good, items.length - good, error)
    }
  }

  #sendAlone(offset: number, item: unknown): void {
    let job: Job
    const settle = (outcome: () => void) => {
      this.#jobs.delete(job)
      outcome()
    }
    try {
      const args = encodeValue([item], this.#scheduler.options.boundary)
      job = new Job(
        this.#task,
        args,
        this.#limits.each,
        performance.now(),
        this.#nextNumber(),
        (value) => settle(() => this.onValues(offset, [value], 1, [])),
        (error) => settle(() => this.onFailure(offset, 1, error)),
      )
    } catch (error) {
      this.onFailure(offset, 1, error)
      return
    }
    job.isItem = true
    this.#jobs.add(job)
    this.#scheduler.admit(job)
  }

  onValues(
    offset: number,
    values: ArrayLike<unknown>,
    count: number,
    failures: readonly (readonly [place: number, error: unknown])[],
  ): void {
    if (this.#isEnding) return
    this.#settled += count
    if (failures.length > 0) this.#hasFailed = true
    if (this.#limits.ordered) {
      this.#output.put(offset, values, count)
      for (const [place, error] of failures) this.#output.fail(offset + place, 1, error)
    } else this.#appendAll(values, count, failures)
    this.#goOn()
  }

  #appendAll(
    values: ArrayLike<unknown>,
    count: number,
    failures: readonly (readonly [place: number, error: unknown])[],
  ): void {
    const [first] = failures
    this.#output.append(values, first ? first[0] : count)
    if (first) this.#output.appendFailure(first[1])
  }

  onFailure(offset: number, count: number, error: unknown): void {
    if (this.#isEnding) return
    this.#settled += count
    this.#hasFailed = true
    if (this.#limits.ordered) this.#output.fail(offset, count, error)
    else this.#output.appendFailure(error)
    this.#goOn()
  }

  onPart(part: Job): void {
    this.#jobs.add(part)
  }

  onForgotten(job: Job): void {
    this.#jobs.delete(job)
    if (this.#jobs.size === 0) this.#goOn()
  }

  #endIfDone(): void {
    const { ordered } = this.#limits
    if (this.#output.isCollecting && this.#hasFailed) {
      const failure = this.#output.firstFailure(ordered ? 0 : this.#output.given)
      if (failure) this.#end(failure).catch(() => undefined)
      return
    }
    if (!this.#source.isOver || this.#settled < this.#pulled) return
    // What is there is given first.
    if (!this.#output.isCollecting && this.#output.given < this.#pulled) return
    this.#end(this.#source.failure).catch(() => undefined)
  }

  /** Whoever asks is told when the input is closed, if that can be waited for. Rejects when closing it has failed. */
  #end(failure?: { readonly error: unknown }): Promise<void> {
    if (!this.#isEnding) {
      this.#isEnding = true
      this.#ended = this.#endNow(failure)
    }
    return this.#ended
  }

  async #endNow(failure: { readonly error: unknown } | undefined): Promise<void> {
    this.#scheduler.removeMap(this)
    const { signal } = this.#limits
    if (signal) removeAbortCallback(signal, this.#onAbort)
    const error = new DOMException('the map is over', 'AbortError')
    for (const job of Array.from(this.#jobs)) this.#scheduler.takeBack(job, error)
    this.#jobs.clear()
    try {
      if (!this.#source.isOver) await this.#source.close()
    } finally {
      this.#output.end(failure)
    }
  }
}
