import {
  booleanOption,
  describe,
  functionOption,
  invalidArgument,
  mustBeFunction,
  objectOption,
  wholeNumber,
} from '@heddle/sync-primitives/building-blocks'
import { type BackoffOptions, backoffOf, milliseconds } from './producer-consumer/backoff.js'
import {
  type ConsumerContext,
  type Generated,
  type Job,
  jobOf,
  jobOn,
  type ProducerContext,
  type TaskExecutor,
} from './producer-consumer/jobs.js'
import { Ledger } from './producer-consumer/ledger.js'
import type { ProducerConsumerProblem, ProducerConsumerReport } from './producer-consumer/report.js'
import { ProducerConsumerRun, type QueueUse, type RunOptions } from './producer-consumer/run.js'
import { ThreadSafeQueue } from './thread-safe-queue.js'

export type { BackoffOptions } from './producer-consumer/backoff.js'
export type { ConsumerContext, ProducerContext, TaskExecutor } from './producer-consumer/jobs.js'
export type { ProducerConsumerProblem, ProducerConsumerReport } from './producer-consumer/report.js'

export interface ProducerConsumerOptions<T> extends BackoffOptions {
  /**
   * The most items that wait for a consumer in the system's own queue; who produces more waits. 1 or more.
   * Together they take 262,144 bytes at most, as the codec writes them: for more, give a `queue`. Default: 10.
   */
  readonly queueSize?: number | undefined
  /**
   * The queue to work on, in place of an own one. Others may use it too, in other threads and processes: consumers then get
   * what anybody has put, and go on until the queue is closed or the system is stopped. What waits in it at the end stays there.
   * The system says `taskDone` of what it has taken, when that has its place in the report.
   */
  readonly queue?: ThreadSafeQueue<T> | undefined
  /**
   * Whether the system closes, for all who use it, the queue it was given: when its producers have ended, if it had any, or
   * when it is stopped. A stop without draining then hands back what waits in it. Default: false. Where several threads or
   * processes produce, let each `registerProducer()` at the queue instead: it ends with the last of them, also if they die.
   */
  readonly closeQueue?: boolean | undefined
  /** How often an item is given to a consumer that fails on it, 1 or more, or Infinity. Default: 1. */
  readonly maxAttempts?: number | undefined
  /**
   * Is told of each error of a producer and of a consumer. It is for notes: the errors are counted, and the items kept, without
   * it. What it throws is an uncaught exception.
   */
  readonly onError?: ((problem: ProducerConsumerProblem<T>) => void) | undefined
  /** The most failed items that are kept for the report, 0 or more, or Infinity; later ones are counted. Default: 10,000. */
  readonly maxFailures?: number | undefined
  /** Milliseconds for which `stop` waits for producers and consumers that do not come back. Default: 1,000. */
  readonly abortGrace?: number | undefined
}

/** How a system is stopped. */
export interface StopOptions {
  /** True, the default: what was produced is consumed first. False: consumers stop too, and the rest is handed back. */
  readonly drain?: boolean | undefined
  /** Milliseconds for draining; default: no limit. What is left then is handed back. Of several calls the earliest end holds. */
  readonly timeout?: number | undefined
}

/** What a producer gives. */
type Produced<T> = T | undefined | PromiseLike<T | undefined> | Generated<T>

/**
 * Producers and consumers with a bounded {@link ThreadSafeQueue} between them: functions of this thread, tasks on any executor,
 * and, on a queue in memory that is shared, those of other threads and processes.
 *
 * A producer is a function that is called again and again and gives an item, or undefined for none; or an async or plain
 * generator function, which ends by itself. A consumer is called with each item; several share the items, in the order in
 * which they get to ask. Items are copied when they are put: a consumer has what the item was then. Does not block the thread,
 * does not look around for work, and lets timers and input have their turn.
 *
 * Nothing in the system's hands is lost: an item that was produced or taken is put, consumed, or in the report as failed or as
 * undelivered. An item is given to a consumer once, unless `maxAttempts` says otherwise. What a thread or process that dies had
 * in its hands is gone with it, and so is its report.
 */
export class ProducerConsumer<T> {
  readonly #options: RunOptions<T>
  readonly #producers: Job[] = []
  readonly #consumers: Job[] = []
  #run: ProducerConsumerRun<T> | undefined

  /**
   * Makes a system with no producers and no consumers; it begins with `start()`. Does not block.
   *
   * @throws TypeError `ERR_INVALID_ARG`: bad options; both `queue` and `queueSize`; `closeQueue` without `queue`
   * @throws RangeError `ERR_OUT_OF_RANGE`: bad options, or more than a queue can hold
   */
  constructor(options: ProducerConsumerOptions<T> = {}) {
    const {
      queueSize,
      queue,
      maxAttempts = 1,
      maxFailures = 10_000,
      abortGrace = 1000,
      onError,
    } = objectOption(options)
    const closes = booleanOption('closeQueue', options.closeQueue)
    if (queue !== undefined) checkQueue(queue)
    if (queue !== undefined && queueSize !== undefined)
      throw invalidArgument('queueSize is for an own queue, and queue is given')
    if (queue === undefined && closes)
      throw invalidArgument('closeQueue is for a queue that is given, and there is none')
    const use: QueueUse = queue === undefined ? 'own' : closes ? 'closed at the end' : 'shared'
    this.#options = {
      use,
      maxAttempts: wholeNumberOrInfinity('maxAttempts', maxAttempts, 1),
      maxFailures: wholeNumberOrInfinity('maxFailures', maxFailures, 0),
      abortGrace: milliseconds('abortGrace', abortGrace),
      backoff: backoffOf(options),
      onError: functionOption('onError', onError),
      // Last: what it takes is not given back.
      queue: queue ?? ownQueue<T>(queueSize ?? 10),
    }
  }

  /**
   * Adds a producer; while the system runs, and was not told to stop, it begins at once. It is called with `args` and a context
   * whose `signal` aborts when the system stops. When it gives undefined it is called again after a pause that grows from 1 to
   * 100 ms; when it throws, after the pauses of the options. A generator function is called once, and is over when it returns
   * or throws. An item that cannot be put, such as one that cannot be copied (`ERR_NOT_CLONEABLE`, with the path), counts as
   * an error of the producer, and is a failure in the report.
   *
   * @throws TypeError `ERR_INVALID_ARG`: not a function
   */
  addProducer<Args extends readonly unknown[]>(
    producer: (...args: [...Args, ProducerContext]) => Produced<T>,
    ...args: Args
  ): void
  addProducer<Args extends readonly unknown[]>(producer: (...args: Args) => Produced<T>, ...args: Args): void
  addProducer(producer: (...args: never[]) => unknown, ...args: unknown[]): void {
    mustBeFunction('producer', producer)
    this.#addProducer(jobOf(producer, args))
  }

  /**
   * Adds a producer that an executor runs, such as a pool of threads: a task that is called again and again with `args`, one
   * call at a time, and gives an item or undefined. The rules are those of {@link ProducerConsumer.addProducer}, but for two:
   * it cannot be a generator, and it is not told of a stop. It may end its call within `abortGrace`, and what it gives is
   * taken; then the executor is told to end it. The executor is used and not owned: end it after the system.
   *
   * @throws TypeError `ERR_INVALID_ARG`: no executor, or the task is no function
   */
  addProducerOn<Args extends readonly unknown[]>(
    executor: TaskExecutor,
    task: (...args: Args) => T | undefined | PromiseLike<T | undefined>,
    ...args: Args
  ): void {
    mustBeFunction('task', task)
    this.#addProducer(jobOn(executor, task, args))
  }

  /**
   * Adds a consumer; while the system runs it begins at once. It is called with an item, `args`, and a context whose `signal`
   * aborts when the system stops without draining. When it throws, the item is given to it again, after a pause, `maxAttempts`
   * times in all, and then is a failure in the report.
   *
   * @throws TypeError `ERR_INVALID_ARG`: not a function
   */
  addConsumer<Args extends readonly unknown[]>(
    consumer: (item: T, ...args: [...Args, ConsumerContext]) => unknown,
    ...args: Args
  ): void
  addConsumer<Args extends readonly unknown[]>(consumer: (item: T, ...args: Args) => unknown, ...args: Args): void
  addConsumer(consumer: (...args: never[]) => unknown, ...args: unknown[]): void {
    mustBeFunction('consumer', consumer)
    this.#addConsumer(jobOf(consumer, args))
  }

  /**
   * Adds a consumer that an executor runs: a task that is called with an item and `args`, one item at a time. Add it as often
   * as there are items to be worked on at a time. It is not told of a stop: it may end its call within `abortGrace`, and then
   * the executor is told to end it, and its item is handed back. An item whose worker died has failed, unless `maxAttempts`
   * says otherwise: it may have been worked on. The executor is used and not owned: end it after the system.
   *
   * @throws TypeError `ERR_INVALID_ARG`: no executor, or the task is no function
   */
  addConsumerOn<Args extends readonly unknown[]>(
    executor: TaskExecutor,
    task: (item: T, ...args: Args) => unknown,
    ...args: Args
  ): void {
    mustBeFunction('task', task)
    this.#addConsumer(jobOn(executor, task, args))
  }

  /**
   * Starts the system, and resolves when it has ended. With an own queue, and with `closeQueue`, that is when all producers
   * have ended and all items are consumed; on a queue of others, when that is closed and empty, or, without consumers, when all
   * producers have ended; and when it was stopped, or the queue has failed, which the report says. Never rejects. While it
   * runs, a second call gives the same promise; after its end it can be started again.
   *
   * A queue that others close ends producers, whose last items are handed back, and consumers when it is empty.
   */
  start(): Promise<ProducerConsumerReport<T>> {
    if (this.#run === undefined) {
      const run = new ProducerConsumerRun<T>(this.#options)
      this.#run = run
      void run.ended.then(() => {
        this.#run = undefined
      })
      for (const job of this.#consumers) run.startConsumer(job)
      // Of a copy: a producer that adds others at its first call starts them itself.
      for (const job of this.#producers.slice()) run.startProducer(job)
      run.endIfDone()
    }
    return this.#run.ended
  }

  /**
   * Stops the system and resolves with its report when it has ended. Producers are told to end, and what they have in hand is
   * taken. Then consumers go on to the last item that is in the queue at that moment, whoever put it; or, with `drain: false`,
   * stop too, and what was not consumed is handed back as `undelivered`. Those that do not end within `abortGrace` are left
   * behind, and the items in their hands are handed back. A second call with `drain: false` ends a drain.
   *
   * On a queue of others (without `closeQueue`) what waits in it is not touched: it stays for them, or for the next start. With
   * no consumers here, a drain without a timeout waits no longer than `abortGrace` for room, and hands back what found none.
   *
   * Does nothing while the system does not run, and later starts are not touched; the report is then an empty one. A consumer
   * may call it, but not wait for a drain, which waits for that consumer.
   *
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; nothing is stopped
   */
  async stop(options: StopOptions = {}): Promise<ProducerConsumerReport<T>> {
    const { drain = true, timeout = Number.POSITIVE_INFINITY } = objectOption(options)
    booleanOption('drain', drain)
    milliseconds('timeout', timeout)
    const run = this.#run
    if (run === undefined) return new Ledger<T>(0, undefined).report()
    if (drain) run.drain(timeout)
    else run.abort()
    return run.ended
  }

  /** Whether the system runs: from the call of `start` to the end that its promise tells. */
  get running(): boolean {
    return this.#run !== undefined
  }

  /**
   * The queue between producers and consumers: to look at its size, or to hand it to others by its handle. An own one is
   * emptied at the end of each run.
   */
  get queue(): ThreadSafeQueue<T> {
    return this.#options.queue
  }

  /** The same as {@link ProducerConsumer.stop}, with draining. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #addProducer(job: Job): void {
    this.#producers.push(job)
    this.#run?.startProducer(job)
  }

  #addConsumer(job: Job): void {
    this.#consumers.push(job)
    this.#run?.startConsumer(job)
  }
}

function ownQueue<T>(queueSize: number): ThreadSafeQueue<T> {
  return new ThreadSafeQueue<T>({ capacity: wholeNumber('queueSize', queueSize, 1, mostQueueSize) })
}

/** What any queue has room for. */
const mostQueueSize = 2 ** 24

function wholeNumberOrInfinity(name: string, value: unknown, least: number): number {
  return value === Number.POSITIVE_INFINITY ? value : wholeNumber(name, value, least, Number.MAX_SAFE_INTEGER)
}

/** By its shape: there may be two copies of this package in a program. */
function checkQueue(queue: Partial<ThreadSafeQueue<unknown>> | null): void {
  if (typeof queue?.put !== 'function' || typeof queue.get !== 'function' || typeof queue.getStats !== 'function')
    throw invalidArgument(`queue must be a ThreadSafeQueue, not ${describe(queue)}`)
}
