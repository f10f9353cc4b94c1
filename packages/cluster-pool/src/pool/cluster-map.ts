import type { MapResults } from '@heddle/pool-core'
import { addAbortCallback, MapOutput, MapSource, removeAbortCallback } from '@heddle/pool-core/building-blocks'
import type { ClusterMapLimits } from './pool-limits.js'

/** One item on its way. */
interface ItemRun {
  /** Takes it back; its outcome is of no interest any more. */
  cancel(reason: unknown): void
}

/** What a map needs of its pool. */
export interface MapHost {
  /** Why nothing more is taken on; undefined: it is open. */
  readonly closedError: Error | undefined
  addMap(map: { stop(error: Error): void }): void
  removeMap(map: { stop(error: Error): void }): void
  /** Resolves when the server knows of all that were cancelled. */
  removals(): Promise<void>
  /** Never throws; calls back later, once. */
  runItem(item: unknown, onValue: (value: unknown) => void, onError: (error: unknown) => void): ItemRun
}

/**
 * One lazy map over a cluster: pulls items while results are asked for, sends each as a task of its own, and gives the results.
 *
 * Invariant: while somebody asks, no more items were pulled than `concurrency` beyond those that were given; while nobody asks,
 * nothing is pulled.
 * Invariant: its pool and the caller's signal know of the map only from the first ask until it is over.
 * Invariant: once the output is over, nothing of it begins, and the input is closed.
 */
export class ClusterMap<Result> implements MapResults<Result> {
  readonly #host: MapHost
  readonly #limits: ClusterMapLimits
  readonly #source: MapSource
  readonly #output = new MapOutput()
  readonly #runs = new Set<ItemRun>()
  #pulled = 0
  #settled = 0
  #hasBegun = false
  /** An item has failed: what was pulled before is still given, and nothing more is pulled. */
  #hasFailed = false
  #isEnding = false
  #ended: Promise<void> = Promise.resolve()

  /** @throws TypeError `ERR_INVALID_ARG`: what cannot be iterated */
  constructor(host: MapHost, items: Iterable<unknown> | AsyncIterable<unknown>, limits: ClusterMapLimits) {
    this.#host = host
    this.#limits = limits
    this.#source = new MapSource(items, () => this.#goOn())
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Result, undefined>> {
    this.#begin()
    // Before it is given: as long as results are asked for, the nodes have something to do.
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
    // Whoever leaves knows then that what has not begun never will.
    await this.#host.removals()
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
    this.#host.addMap(this)
    if (signal?.aborted) this.#onAbort()
    else if (signal) addAbortCallback(signal, this.#onAbort)
    const { closedError } = this.#host
    if (closedError) this.stop(closedError)
  }

  readonly #onAbort = (): void => {
    this.#end({ error: this.#limits.signal?.reason }).catch(() => undefined)
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
      if (underWay >= this.#limits.concurrency) return
      const items = this.#source.take(1)
      if (items.length === 0) return
      this.#send(items[0])
    }
  }

  #send(item: unknown): void {
    const place = this.#pulled
    this.#pulled += 1
    if (this.#limits.ordered) this.#output.reserve(1)
    const run = this.#host.runItem(
      item,
      (value) => {
        this.#runs.delete(run)
        this.#onValue(place, value)
      },
      (error) => {
        this.#runs.delete(run)
        this.#onError(place, error)
      },
    )
    this.#runs.add(run)
  }

  #onValue(place: number, value: unknown): void {
    if (this.#isEnding) return
    this.#settled += 1
    if (this.#limits.ordered) this.#output.put(place, [value], 1)
    else this.#output.append([value], 1)
    this.#goOn()
  }

  #onError(place: number, error: unknown): void {
    if (this.#isEnding) return
    this.#settled += 1
    this.#hasFailed = true
    if (this.#limits.ordered) this.#output.fail(place, 1, error)
    else this.#output.appendFailure(error)
    this.#goOn()
  }

  #endIfDone(): void {
    if (this.#output.isCollecting && this.#hasFailed) {
      const failure = this.#output.firstFailure(this.#limits.ordered ? 0 : this.#output.given)
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
    this.#host.removeMap(this)
    const { signal } = this.#limits
    if (signal) removeAbortCallback(signal, this.#onAbort)
    const why = signal?.aborted ? signal.reason : new DOMException('the map is over', 'AbortError')
    for (const run of Array.from(this.#runs)) run.cancel(why)
    this.#runs.clear()
    try {
      if (!this.#source.isOver) await this.#source.close()
    } finally {
      this.#output.end(failure)
    }
  }
}
