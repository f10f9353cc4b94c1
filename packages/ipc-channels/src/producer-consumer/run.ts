import { ClosedError } from '../errors.js'
import type { ThreadSafeQueue } from '../thread-safe-queue.js'
import type { Backoff } from './backoff.js'
import { type Generated, isGenerator, type Job } from './jobs.js'
import { Ledger } from './ledger.js'
import { QueuePort } from './queue-port.js'
import type { ProducerConsumerProblem, ProducerConsumerReport } from './report.js'
import { StopSignals } from './stop-signals.js'
import { Deadline, turnIfDue } from './time.js'

/**
 * Whose the queue is: the system's own; one that others use too; or such a one, which the system closes when it has no more to
 * put, or is stopped.
 */
export type QueueUse = 'own' | 'shared' | 'closed at the end'

export interface RunOptions<T> {
  readonly queue: ThreadSafeQueue<T>
  readonly use: QueueUse
  readonly maxAttempts: number
  readonly maxFailures: number
  readonly abortGrace: number
  readonly backoff: Backoff
  readonly onError: ((problem: ProducerConsumerProblem<T>) => void) | undefined
}

/** A producer at work. */
interface Producing {
  /** Its function runs: it may never come back. */
  isCalling: boolean
  /** It did not come back in time: what it brings later is not taken. */
  isLeftBehind: boolean
  /** How many times in a row it has failed. */
  failures: number
}

const longestIdleMs = 100

/**
 * One run of a system, from its start to its end.
 *
 * states: running → draining (producers stop, consumers go on) → ended; running or draining → aborting (all stop) → ended.
 *
 * Invariant: an item in the system's hands is being put, being taken, in the hand of a consumer, or counted once: as put,
 * consumed, failed or undelivered.
 * Invariant: at the end no put and no get is under way; only calls of producers and consumers are ever left behind.
 * Invariant: after the end nothing is counted any more: who was left behind is not listened to.
 *
 * More than 300 lines: where an item is at any moment is told by all of it together.
 */
export class ProducerConsumerRun<T> {
  readonly ended: Promise<ProducerConsumerReport<T>>
  readonly #options: RunOptions<T>
  readonly #ledger: Ledger<T>
  readonly #port: QueuePort<T>
  readonly #producing = new StopSignals()
  readonly #consuming = new StopSignals()
  readonly #producers = new Set<Producing>()
  #hadProducers = false
  #consumers = 0
  readonly #inHand = new Set<{ readonly item: T }>()
  /** Puts and gets under way. */
  #underWay = 0
  /** No producer is left and none can come any more; consumers go on to the last item that there was then. */
  #isFinishing = false
  /** Aborting, and the time of those who do not come back is over. */
  #isGraceOver = false
  #isOver = false
  #drainEnds = Number.POSITIVE_INFINITY
  #drainDeadline: Deadline | undefined
  #graceDeadline: Deadline | undefined
  #resolve: (report: ProducerConsumerReport<T>) => void = () => undefined

  constructor(options: RunOptions<T>) {
    this.#options = options
    this.#ledger = new Ledger(options.maxFailures, options.onError)
    this.#port = new QueuePort(options.queue, (error) => this.#onBroken(error))
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  startProducer(job: Job): void {
    if (this.#producing.isStopped || this.#isFinishing) return
    const state: Producing = { isCalling: false, isLeftBehind: false, failures: 0 }
    this.#hadProducers = true
    this.#producers.add(state)
    void this.#produce(state, job).finally(() => {
      this.#producers.delete(state)
      this.endIfDone()
    })
  }

  startConsumer(job: Job): void {
    if (this.#consuming.isStopped || this.#isOver) return
    this.#consumers += 1
    void this.#consume(job).finally(() => {
      this.#consumers -= 1
      this.endIfDone()
    })
  }

  /** Ends producers; consumers go on until all is consumed, but not longer than `timeout` milliseconds. */
  drain(timeout: number): void {
    if (this.#consumers === 0 && this.#options.use === 'own') this.abort()
    if (this.#isOver || this.#consuming.isStopped) return
    const ends = performance.now() + timeout
    if (ends < this.#drainEnds) {
      this.#drainEnds = ends
      this.#drainDeadline?.cancel()
      this.#drainDeadline = after(timeout, () => this.abort())
    }
    if (this.#producing.isStopped) return
    this.#beginGrace()
    this.#producing.stop()
    this.endIfDone()
  }

  /** Ends all; what is not consumed is handed back. */
  abort(): void {
    if (this.#consuming.isStopped || this.#isOver) return
    // What is being put now is refused, and handed back there.
    this.#port.end()
    if (this.#options.use === 'closed at the end') this.#port.close()
    // Before the other one: a listener that stops us again, or adds to us, finds us aborting.
    this.#consuming.stop()
    this.#producing.stop()
    this.#handBackRest()
    this.#drainDeadline?.cancel()
    this.#graceDeadline?.cancel()
    this.#graceDeadline = after(this.#options.abortGrace, () => {
      this.#isGraceOver = true
      this.endIfDone()
    })
    this.endIfDone()
  }

  endIfDone(): void {
    if (this.#isOver) return
    if (this.#isGraceOver && this.#underWay === 0) {
      this.#end()
      return
    }
    if (this.#producers.size > 0) return
    if (!this.#isFinishing) {
      if (!this.#producing.isStopped && this.#consumers > 0 && this.#mayGetMore) return
      this.#isFinishing = true
      const { use } = this.#options
      if (use === 'closed at the end' && (this.#hadProducers || this.#producing.isStopped)) this.#port.close()
      this.#port.drain()
    }
    if (this.#consumers === 0) this.#end()
  }

  #end(): void {
    this.#isOver = true
    this.#drainDeadline?.cancel()
    this.#graceDeadline?.cancel()
    if (this.#options.use === 'own' || this.#consuming.isStopped) this.#handBackRest()
    for (const { item } of this.#inHand) this.#ledger.undelivered.push(item)
    if (this.#inHand.size > 0) this.#port.done(this.#inHand.size)
    for (const state of this.#producers) state.isLeftBehind = true
    this.#resolve(this.#ledger.report())
    this.#producing.giveUp()
    this.#consuming.giveUp()
  }

  /** With no producer left: whether there may be something to consume yet. */
  get #mayGetMore(): boolean {
    // Whoever has an item of our own may still add a producer.
    if (this.#options.use === 'own') return this.#ledger.hasOpenItems
    return this.#options.use === 'shared' || !this.#hadProducers
  }

  /** What waits in a queue that is ours alone, or that we have closed. In one of others it stays for them. */
  #handBackRest(): void {
    if (this.#options.use === 'shared') return
    for (const taken of this.#port.takeAll()) {
      this.#ledger.counts.taken += 1
      if ('lost' in taken) this.#lose(taken.lost)
      else this.#ledger.undelivered.push(taken.item)
      this.#port.done(1)
    }
  }

  /** An item came out of the queue, and cannot be opened here. */
  #lose(error: unknown): void {
    this.#ledger.problem({ role: 'consumer', error, item: undefined, failures: 1 })
    this.#ledger.fail(undefined, error)
  }

  /** The queue itself has failed. What was put can still be taken if only its other side has gone. */
  #onBroken(error: unknown): void {
    this.#ledger.queueError ??= error
    if ((error as { code?: unknown } | undefined)?.code === 'ERR_PEER_GONE') this.drain(Number.POSITIVE_INFINITY)
    else this.abort()
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
    this.#producing.giveUp()
    // Room would have to be made by others, who may be gone.
    if (this.#consumers === 0 && this.#drainEnds === Number.POSITIVE_INFINITY) this.#port.refusePuts()
    this.endIfDone()
  }

  async #produce(state: Producing, job: Job): Promise<void> {
    const { signal, givenUp } = this.#producing
    let idleMs = 0
    while (!this.#producing.isStopped) {
      let item: T | undefined
      try {
        state.isCalling = true
        const result = job.call([], { signal, attempt: 1 }, givenUp)
        if (isGenerator<T>(result)) return await this.#drawFrom(state, result)
        item = (await result) as T | undefined
      } catch (error) {
        state.isCalling = false
        if (state.isLeftBehind || this.#producing.isCancellation(error)) return
        await this.#producerFailed(state, error, undefined)
        continue
      }
      state.isCalling = false
      idleMs = item === undefined ? Math.min(longestIdleMs, idleMs * 2 || 1) : 0
      if (item !== undefined) await this.#put(state, item)
      else {
        state.failures = 0
        await this.#producing.rests.rest(idleMs)
      }
    }
  }

  async #drawFrom(state: Producing, generator: Generated<T>): Promise<void> {
    try {
      while (!this.#producing.isStopped) {
        state.isCalling = true
        const { done, value } = await generator.next()
        state.isCalling = false
        if (done === true) return
        await this.#put(state, value)
      }
      state.isCalling = true
      // Its last item may have waited for room until the grace of the others was over.
      if (!state.isLeftBehind && !this.#consuming.isStopped) this.#beginGrace()
      await generator.return(undefined)
    } catch (error) {
      if (!state.isLeftBehind && !this.#producing.isCancellation(error))
        this.#ledger.problem({ role: 'producer', error, item: undefined, failures: state.failures + 1 })
    } finally {
      state.isCalling = false
    }
  }

  async #producerFailed(state: Producing, error: unknown, item: T | undefined): Promise<void> {
    state.failures += 1
    this.#ledger.problem({ role: 'producer', error, item, failures: state.failures })
    await this.#producing.rests.rest(this.#options.backoff(state.failures))
  }

  async #put(state: Producing, item: T): Promise<void> {
    if (state.isLeftBehind) {
      const error = new ClosedError('a producer brought an item after the system had stopped waiting for it')
      return this.#ledger.tell({ role: 'producer', error, item, failures: 0 })
    }
    this.#ledger.counts.produced += 1
    this.#underWay += 1
    const outcome = await this.#port.put(item)
    this.#underWay -= 1
    if (outcome === 'put') {
      this.#ledger.counts.put += 1
      state.failures = 0
    } else if (typeof outcome === 'object') {
      this.#ledger.fail(item, outcome.error)
      await this.#producerFailed(state, outcome.error, item)
    } else {
      this.#ledger.undelivered.push(item)
      if (outcome === 'closed') this.drain(Number.POSITIVE_INFINITY)
    }
    if (this.#isGraceOver) this.endIfDone()
    await turnIfDue()
  }

  async #consume(job: Job): Promise<void> {
    for (;;) {
      await turnIfDue()
      this.#underWay += 1
      const taken = await this.#port.take()
      this.#underWay -= 1
      if (taken === 'over') return
      // By us, when there is no more to come; or by others, and then that is so too.
      if (taken === 'closed') return this.drain(Number.POSITIVE_INFINITY)
      this.#ledger.counts.taken += 1
      if ('lost' in taken) this.#lose(taken.lost)
      else if (this.#consuming.isStopped) this.#ledger.undelivered.push(taken.item)
      else await this.#deliver(job, taken.item)
      if (this.#isOver) return
      this.#port.done(1)
      this.endIfDone()
    }
  }

  async #deliver(job: Job, item: T): Promise<void> {
    const hand = { item }
    this.#inHand.add(hand)
    const fate = await this.#attempts(job, item)
    this.#inHand.delete(hand)
    if (this.#isOver) return
    if (fate === 'consumed') this.#ledger.counts.consumed += 1
    else if (fate === 'undelivered') this.#ledger.undelivered.push(item)
    else this.#ledger.fail(item, fate.error)
  }

  async #attempts(job: Job, item: T): Promise<'consumed' | 'undelivered' | { readonly error: unknown }> {
    const { signal, givenUp } = this.#consuming
    for (let attempt = 1; ; attempt++) {
      try {
        await job.call([item], { signal, attempt }, givenUp)
        return 'consumed'
      } catch (error) {
        if (this.#isOver || this.#consuming.isCancellation(error)) return 'undelivered'
        this.#ledger.problem({ role: 'consumer', error, item, failures: attempt })
        if (signal.aborted) return 'undelivered'
        if (attempt >= this.#options.maxAttempts) return { error }
        await this.#consuming.rests.rest(this.#options.backoff(attempt))
        if (signal.aborted) return 'undelivered'
      }
    }
  }
}

function after(ms: number, onDue: () => void): Deadline | undefined {
  return ms === Number.POSITIVE_INFINITY ? undefined : new Deadline(ms, onDue)
}
