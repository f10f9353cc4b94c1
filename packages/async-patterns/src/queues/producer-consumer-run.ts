import type { Backoff } from '../calls/backoff.js'
import { ClosedError } from '../errors.js'
import { monotonicClock } from '../platform/clock.js'
import { channel } from '../platform/diagnostics.js'
import { nextTurn } from '../platform/event-loop.js'
import { reportError } from '../platform/report-error.js'
import { TaskSignal } from '../tasks/task-signal.js'
import { Deadline } from '../waiting/deadline.js'
import { pause } from '../waiting/pause.js'
import { AsyncQueue } from './async-queue.js'
import type { ProducerConsumerProblem, ProducerConsumerReport } from './producer-consumer-report.js'

/** What a producer is given beside its arguments. */
export interface ProducerContext {
  /** Aborts when the system stops. */
  readonly signal: AbortSignal
}

/** What a consumer is given beside the item and its arguments. */
export interface ConsumerContext {
  /** Aborts when the system stops without draining. */
  readonly signal: AbortSignal
  /** 1 when the item is given to it for the first time. */
  readonly attempt: number
}

export interface RunOptions<T> {
  readonly queueSize: number
  readonly maxAttempts: number
  readonly maxFailures: number
  readonly abortGrace: number
  readonly backoff: Backoff
  readonly onError: ((problem: ProducerConsumerProblem<T>) => void) | undefined
}

type Callable = (...args: unknown[]) => unknown

/** A producer at work. */
interface Producing {
  /** Its function runs: it may never come back. */
  isCalling: boolean
  /** It did not come back in time: what it brings later is not taken. */
  isLeftBehind: boolean
}

const errorChannel = channel('producer-consumer-error')
const longestIdleMs = 100

/**
 * One run of a system, from its start to its end.
 *
 * states: running → draining (producers stop, consumers go on) → ended; running or draining → aborting (all stop) → ended.
 *
 * Invariant: an item that was produced is being put, in the queue, in the hand of a consumer, or counted once: as consumed,
 * failed or undelivered.
 * Invariant: the queue is closed when no producer is left and none can come any more, or the run is aborting.
 * Invariant: after the end nothing is counted any more: who was left behind is not listened to.
 *
 * More than 300 lines: where an item is at any moment is told by all of it together.
 */
export class ProducerConsumerRun<T> {
  readonly ended: Promise<ProducerConsumerReport<T>>
  readonly #options: RunOptions<T>
  readonly #queue: AsyncQueue<T>
  /** Tells producers to stop. */
  readonly #producing = new TaskSignal()
  /** Tells consumers to stop. */
  readonly #consuming = new TaskSignal()
  readonly #producers = new Set<Producing>()
  #consumers = 0
  readonly #inHand = new Set<{ readonly item: T }>()
  readonly #undelivered: T[] = []
  readonly #failures: { readonly item: T; readonly error: unknown }[] = []
  readonly #counts = { produced: 0, consumed: 0, failed: 0, producerErrors: 0, consumerErrors: 0 }
  #isOver = false
  #drainEnds = Number.POSITIVE_INFINITY
  #drainDeadline: Deadline | undefined
  #graceDeadline: Deadline | undefined
  #resolve: (report: ProducerConsumerReport<T>) => void = () => undefined

  constructor(options: RunOptions<T>) {
    this.#options = options
    this.#queue = new AsyncQueue<T>({ capacity: options.queueSize })
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  report(): ProducerConsumerReport<T> {
    return { ...this.#counts, failures: this.#failures, undelivered: this.#undelivered }
  }

  startProducer(call: Callable, args: readonly unknown[]): void {
    if (this.#producing.aborted || this.#queue.closed) return
    const state: Producing = { isCalling: false, isLeftBehind: false }
    this.#producers.add(state)
    void this.#produce(state, call, args).finally(() => {
      this.#producers.delete(state)
      this.endIfDone()
    })
  }

  startConsumer(call: Callable, args: readonly unknown[]): void {
    if (this.#consuming.aborted || this.#isOver) return
    this.#consumers += 1
    void this.#consume(call, args).finally(() => {
      this.#consumers -= 1
      this.endIfDone()
    })
  }

  /** Ends producers; consumers go on until all is consumed, but not longer than `timeout` milliseconds. */
  drain(timeout: number): void {
    if (this.#consumers === 0) this.abort()
    if (this.#isOver || this.#consuming.aborted) return
    const ends = monotonicClock.now() + timeout
    if (ends < this.#drainEnds) {
      this.#drainEnds = ends
      this.#drainDeadline?.cancel()
      this.#drainDeadline = after(timeout, () => this.abort())
    }
    if (this.#producing.aborted) return
    this.#beginGrace()
    // Last: a listener may stop us again.
    this.#producing.abort(new ClosedError('the system was stopped'))
    this.endIfDone()
  }

  /** Ends all; what is not consumed is handed back. */
  abort(): void {
    if (this.#consuming.aborted || this.#isOver) return
    const reason = new ClosedError('the system was stopped')
    // What is being put now is refused, and handed back there.
    this.#queue.close()
    // Before the other one, and after the closing: a listener that stops us again, or adds to us, finds us aborting.
    this.#consuming.abort(reason)
    this.#producing.abort(reason)
    this.#handBack(this.#queue.clear())
    this.#drainDeadline?.cancel()
    // An item that a consumer has taken, but waits for a turn of the event loop to get, is in its hand after that turn.
    nextTurn(() => {
      if (this.#isOver) return
      this.#graceDeadline?.cancel()
      this.#graceDeadline = after(this.#options.abortGrace, () => this.#end())
    })
    this.endIfDone()
  }

  endIfDone(): void {
    if (this.#isOver || this.#producers.size > 0) return
    // Whoever has an item may still add a producer.
    if (!this.#producing.aborted && this.#consumers > 0 && this.#hasOpenItems) return
    this.#queue.close()
    if (this.#consumers === 0) this.#end()
  }

  #end(): void {
    this.#isOver = true
    this.#drainDeadline?.cancel()
    this.#graceDeadline?.cancel()
    this.#handBack(this.#queue.clear())
    for (const { item } of this.#inHand) this.#undelivered.push(item)
    for (const state of this.#producers) state.isLeftBehind = true
    this.#resolve(this.report())
  }

  /** Whether there are items that are neither consumed, nor failed, nor undelivered. */
  get #hasOpenItems(): boolean {
    const { produced, consumed, failed } = this.#counts
    return produced > consumed + failed + this.#undelivered.length
  }

  #handBack(items: readonly T[]): void {
    // One by one: there may be more than a call can have arguments.
    for (const item of items) this.#undelivered.push(item)
  }

  /** From now on the producers that are called have `abortGrace` to come back. */
  #beginGrace(): void {
    this.#graceDeadline?.cancel()
    this.#graceDeadline = after(this.#options.abortGrace, () => this.#leaveProducersBehind())
  }

  #leaveProducersBehind(): void {
    for (const state of this.#producers)
      if (state.isCalling) {
        state.isLeftBehind = true
        this.#producers.delete(state)
      }
    this.endIfDone()
  }

  async #produce(state: Producing, call: Callable, args: readonly unknown[]): Promise<void> {
    const context = contextOf(this.#producing)
    let failures = 0
    let idleMs = 0
    while (!this.#producing.aborted) {
      let item: T | undefined
      try {
        state.isCalling = true
        const result = call(...args, context)
        if (isGenerator<T>(result)) return await this.#drawFrom(state, result)
        item = (await result) as T | undefined
        failures = 0
      } catch (error) {
        failures += 1
        state.isCalling = false
        if (state.isLeftBehind || isCancellation(error, this.#producing)) return
        this.#problem({ role: 'producer', error, item: undefined, failures })
        await this.#rest(this.#options.backoff(failures))
        continue
      }
      state.isCalling = false
      idleMs = item === undefined ? Math.min(longestIdleMs, idleMs * 2 || 1) : 0
      if (item !== undefined) await this.#put(state, item)
      else await this.#rest(idleMs)
    }
  }

  async #drawFrom(
    state: Producing,
    generator: AsyncGenerator<T, unknown, undefined> | Generator<T, unknown, undefined>,
  ): Promise<void> {
    try {
      while (!this.#producing.aborted) {
        state.isCalling = true
        const { done, value } = await generator.next()
        state.isCalling = false
        if (done === true) return
        await this.#put(state, value)
      }
      state.isCalling = true
      // Its last item may have waited for room until the grace of the others was over.
      if (!state.isLeftBehind && !this.#consuming.aborted) this.#beginGrace()
      await generator.return(undefined)
    } catch (error) {
      if (!state.isLeftBehind && !isCancellation(error, this.#producing))
        this.#problem({ role: 'producer', error, item: undefined, failures: 1 })
    } finally {
      state.isCalling = false
    }
  }

  async #put(state: Producing, item: T): Promise<void> {
    if (state.isLeftBehind) {
      const error = new ClosedError('a producer brought an item after the system had stopped waiting for it')
      return this.#tell({ role: 'producer', error, item, failures: 0 })
    }
    this.#counts.produced += 1
    try {
      await this.#queue.put(item)
    } catch {
      this.#undelivered.push(item)
    }
  }

  /** A pause that ends with the producing. */
  async #rest(ms: number): Promise<void> {
    await pause(ms, this.#producing.signal).catch(() => undefined)
  }

  async #consume(call: Callable, args: readonly unknown[]): Promise<void> {
    for await (const item of this.#queue) {
      if (this.#consuming.aborted) {
        this.#undelivered.push(item)
        continue
      }
      const hand = { item }
      this.#inHand.add(hand)
      const fate = await this.#deliver(call, args, item)
      this.#inHand.delete(hand)
      if (this.#isOver) return
      if (fate === 'consumed') this.#counts.consumed += 1
      else if (fate === 'undelivered') this.#undelivered.push(item)
      else {
        this.#counts.failed += 1
        if (this.#failures.length < this.#options.maxFailures) this.#failures.push({ item, error: fate.error })
      }
      this.endIfDone()
    }
  }

  async #deliver(
    call: Callable,
    args: readonly unknown[],
    item: T,
  ): Promise<'consumed' | 'undelivered' | { readonly error: unknown }> {
    for (let attempt = 1; ; attempt++) {
      try {
        await call(item, ...args, contextOf(this.#consuming, attempt))
        return 'consumed'
      } catch (error) {
        if (this.#isOver || isCancellation(error, this.#consuming)) return 'undelivered'
        this.#problem({ role: 'consumer', error, item, failures: attempt })
        if (this.#consuming.aborted) return 'undelivered'
        if (attempt >= this.#options.maxAttempts) return { error }
        try {
          await pause(this.#options.backoff(attempt), this.#consuming.signal)
        } catch {
          return 'undelivered'
        }
      }
    }
  }

  #problem(problem: ProducerConsumerProblem<T>): void {
    if (problem.role === 'producer') this.#counts.producerErrors += 1
    else this.#counts.consumerErrors += 1
    this.#tell(problem)
  }

  #tell(problem: ProducerConsumerProblem<T>): void {
    if (errorChannel.hasSubscribers) errorChannel.publish(problem)
    try {
      this.#options.onError?.(problem)
    } catch (error) {
      reportError(error)
    }
  }
}

function after(ms: number, onDeadline: () => void): Deadline | undefined {
  return ms === Number.POSITIVE_INFINITY ? undefined : new Deadline(ms, { onDeadline })
}

function contextOf(stop: TaskSignal, attempt = 1): ConsumerContext {
  return {
    attempt,
    get signal() {
      return stop.signal
    },
  }
}

/** Whether somebody has only done what the signal told it to do. */
function isCancellation(error: unknown, stop: TaskSignal): boolean {
  if (!stop.aborted) return false
  return error === stop.signal.reason || (error as { name?: unknown } | null | undefined)?.name === 'AbortError'
}

function isGenerator<T>(
  result: unknown,
): result is AsyncGenerator<T, unknown, undefined> | Generator<T, unknown, undefined> {
  if (typeof result !== 'object' || result === null) return false
  const { next, return: end } = result as { next?: unknown; return?: unknown }
  return (
    typeof next === 'function' &&
    typeof end === 'function' &&
    (Symbol.asyncIterator in result || Symbol.iterator in result)
  )
}
