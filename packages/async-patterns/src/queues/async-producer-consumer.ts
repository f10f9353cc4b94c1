import { type BackoffOptions, backoffOf } from '../calls/backoff.js'
import {
  checkIsFunction,
  checkIsFunctionIfGiven,
  checkIsObject,
  milliseconds,
  timeoutOf,
  wholeNumberOrInfinity,
} from '../options.js'
import type { ProducerConsumerProblem, ProducerConsumerReport } from './producer-consumer-report.js'
import {
  type ConsumerContext,
  ProducerConsumerRun,
  type ProducerContext,
  type RunOptions,
} from './producer-consumer-run.js'

export interface AsyncProducerConsumerOptions<T> extends BackoffOptions {
  /** The most items that wait for a consumer; who produces more waits. 1 or more, or Infinity. Default: 100. */
  readonly queueSize?: number | undefined
  /** How often an item is given to a consumer that fails on it, 1 or more. Default: 1. */
  readonly maxAttempts?: number | undefined
  /**
   * Is told of each error of a producer and of a consumer. It is for notes: the errors are counted, and the items kept, without
   * it. What it throws is an uncaught exception.
   */
  readonly onError?: ((problem: ProducerConsumerProblem<T>) => void) | undefined
  /** The most items on which consumers have failed that are kept for the report; later ones are counted. Default: 10,000. */
  readonly maxFailures?: number | undefined
  /** Milliseconds for which `stop` waits for producers and consumers that do not look at their signal. Default: 1,000. */
  readonly abortGrace?: number | undefined
}

export interface StopOptions {
  /** True, the default: what was produced is consumed first. False: consumers stop too, and the rest is handed back. */
  readonly drain?: boolean | undefined
  /** Milliseconds for draining; default: no limit. What is left then is handed back. Of several calls the earliest end holds. */
  readonly timeout?: number | undefined
}

type Produced<T> =
  | T
  | undefined
  | PromiseLike<T | undefined>
  | AsyncGenerator<T, unknown, undefined>
  | Generator<T, unknown, undefined>

type Stored = { readonly call: (...args: unknown[]) => unknown; readonly args: readonly unknown[] }

/**
 * Producers and consumers of one thread with a bounded queue between them.
 *
 * A producer is a function that is called again and again and gives an item, or undefined for none; or an async or plain
 * generator function, which ends by itself. A consumer is called with each item; several share them in turn. Does not block
 * the thread, and lets timers and input have their turn. Nothing that was produced is lost: it is consumed, or it is in the
 * report as failed or as undelivered.
 */
export class AsyncProducerConsumer<T> {
  readonly #options: RunOptions<T>
  readonly #producers: Stored[] = []
  readonly #consumers: Stored[] = []
  #run: ProducerConsumerRun<T> | undefined

  /** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options */
  constructor(options: AsyncProducerConsumerOptions<T> = {}) {
    checkIsObject(options)
    checkIsFunctionIfGiven('onError', options.onError)
    this.#options = {
      queueSize: wholeNumberOrInfinity('queueSize', options.queueSize ?? 100, 1),
      maxAttempts: wholeNumberOrInfinity('maxAttempts', options.maxAttempts ?? 1, 1),
      maxFailures: wholeNumberOrInfinity('maxFailures', options.maxFailures ?? 10_000, 0),
      abortGrace: milliseconds('abortGrace', options.abortGrace ?? 1000),
      backoff: backoffOf(options),
      onError: options.onError,
    }
  }

  /**
   * Adds a producer; while the system runs, and was not told to stop, it begins at once. It is called with `args` and a context whose `signal` aborts
   * when the system stops. When it gives undefined it is called again after a pause that grows from 1 to 100 ms; when it
   * throws, after the pauses of the options. A generator function is called once, and is over when it returns or throws.
   *
   * @throws TypeError `ERR_INVALID_ARG`: not a function
   */
  addProducer<Args extends readonly unknown[]>(
    producer: (...args: [...Args, ProducerContext]) => Produced<T>,
    ...args: Args
  ): void
  addProducer<Args extends readonly unknown[]>(producer: (...args: Args) => Produced<T>, ...args: Args): void
  addProducer(producer: (...args: never[]) => unknown, ...args: unknown[]): void {
    checkIsFunction('producer', producer)
    const stored = { call: producer as Stored['call'], args }
    this.#producers.push(stored)
    this.#run?.startProducer(stored.call, args)
  }

  /**
   * Adds a consumer; while the system runs it begins at once. It is called with an item, `args`, and a context whose `signal`
   * aborts when the system stops without draining. When it throws, the item is given to it again, `maxAttempts` times in all,
   * and then is a failure in the report.
   *
   * @throws TypeError `ERR_INVALID_ARG`: not a function
   */
  addConsumer<Args extends readonly unknown[]>(
    consumer: (item: T, ...args: [...Args, ConsumerContext]) => unknown,
    ...args: Args
  ): void
  addConsumer<Args extends readonly unknown[]>(consumer: (item: T, ...args: Args) => unknown, ...args: Args): void
  addConsumer(consumer: (...args: never[]) => unknown, ...args: unknown[]): void {
    checkIsFunction('consumer', consumer)
    const stored = { call: consumer as Stored['call'], args }
    this.#consumers.push(stored)
    this.#run?.startConsumer(stored.call, args)
  }

  /**
   * Starts the system, and resolves when it has ended: `stop` was called, or all producers have ended and all items are
   * consumed. Never rejects. While it runs, a second call gives the same promise; after its end it can be started again.
   */
  start(): Promise<ProducerConsumerReport<T>> {
    if (this.#run === undefined) {
      const run = new ProducerConsumerRun<T>(this.#options)
      this.#run = run
      void run.ended.then(() => {
        this.#run = undefined
      })
      for (const { call, args } of this.#consumers) run.startConsumer(call, args)
      // Of a copy: a producer that adds others at its first call starts them itself.
      for (const { call, args } of this.#producers.slice()) run.startProducer(call, args)
      run.endIfDone()
    }
    return this.#run.ended
  }

  /**
   * Stops the system and resolves with its report when it has ended: producers are told to end, and what they have in hand is
   * taken; then all items are consumed, or handed back as `undelivered`. Those that do not end within `abortGrace` are left
   * behind, and the items in their hands are handed back. A second call with `drain: false` ends a drain. Does nothing while
   * the system does not run, and later starts are not touched; the report is then an empty one. A consumer may call it, but
   * not wait for a drain, which waits for that consumer.
   *
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing is stopped
   */
  async stop(options: StopOptions = {}): Promise<ProducerConsumerReport<T>> {
    const timeout = timeoutOf(options)
    const run = this.#run
    if (run === undefined) return new ProducerConsumerRun<T>(this.#options).report()
    if (options.drain === false) run.abort()
    else run.drain(timeout)
    return run.ended
  }

  /** Whether the system runs. */
  get running(): boolean {
    return this.#run !== undefined
  }

  /** The same as {@link AsyncProducerConsumer.stop}, with draining. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
