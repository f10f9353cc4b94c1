import { decodeValue } from '@heddle/codec'
import { noteWorker } from '../platform/thread-hooks.js'
import { startTimer } from '../platform/timer.js'
import type { FromWorker, Hello, HelloReply, ToWorker } from '../protocol.js'
import type { Transferable } from '../tasks/with-transfer.js'
import type { HostedThread, HostKind, Lane, ResourceLimits, WorkerHost, WorkerSettings } from './host-kind.js'
import type { Death, WorkerEvents, WorkerLink } from './worker-link.js'

/** What tinypool is told of a thread that has exited without an error. */
const exited = new Error('the worker has exited')

/**
 * One worker in a Tinypool of its own, which never queues and never gets a second worker to work with. What tinypool (2.2) gets
 * wrong is mended here and nowhere else:
 *
 * - a thread that calls `process.exit` sends no `error`, only `exit`, and tinypool waits for it for ever: the exit is turned
 *   into the error that tinypool listens for;
 * - an idle worker that dies makes the pool emit `error`, which ends the process where nobody listens;
 * - the error of a worker's death says neither exit code nor signal;
 * - after a death tinypool starts a replacement by itself; a call that waits for it hangs if it dies, too, and a late answer of
 *   the dead one takes its place: from the first sign of a death on it is told that it needs no worker, and is destroyed with
 *   all it has started;
 * - `destroy` waits for the exit with `events.once`, and an `error` that comes first is an uncaught exception there, since
 *   tinypool's workers have no `removeListener`;
 * - the answer of a task costs a look at the memory and, between processes, a second copy of every message: tinypool runs one
 *   task, which opens the lane, and all the others go over that.
 *
 * Invariant: `onEnd` is called exactly once, when the worker has ended or could not be started; no event comes after it.
 */
export class HostedWorker implements WorkerLink {
  readonly #kind: HostKind
  readonly #host: WorkerHost
  readonly #settings: WorkerSettings
  readonly #events: WorkerEvents
  readonly #worker: HostedThread | undefined
  readonly #lane: Lane
  readonly #stopTimer: () => void
  #pid: number | undefined
  #threadId: number | undefined
  #isReady = false
  #initializerFailed = false
  #hasFailed = false
  #hasExited = false
  /** Resolves with the worker's exit. */
  readonly #exit: Promise<void>
  #onExit: () => void = () => {}
  #hasEnded = false
  #uncaught: { readonly error: unknown } | undefined
  #killing: Promise<void> | undefined

  /**
   * @param startTimeout - milliseconds until a worker that has not come up is given up
   * @throws what keeps the worker from being started at all
   */
  constructor(kind: HostKind, settings: WorkerSettings, hello: Hello, startTimeout: number, events: WorkerEvents) {
    this.#kind = kind
    this.#settings = settings
    this.#events = events
    this.#host = kind.createHost(settings)
    this.#host.on('error', () => {})
    this.#worker = this.#host.threads[0]
    this.#exit = new Promise((resolve) => {
      this.#onExit = resolve
    })
    const { lane, reply } = kind.connect(this.#host, hello, (message) => this.#receive(message))
    this.#lane = lane
    this.#stopTimer =
      startTimeout === Number.POSITIVE_INFINITY
        ? () => {}
        : startTimer(startTimeout, () => this.#giveUp(new Error(`it was not ready within ${startTimeout} ms`)))
    if (this.#worker) this.#watch(this.#worker)
    reply.then(
      (answer) => this.#hear(answer),
      (error: unknown) => {
        // It has not ended: this is what its entry failed of. Otherwise its end says more.
        if (!this.#hasFailed && !this.#killing) this.#uncaught ??= { error }
        this.#failed(error)
      },
    )
  }

  get pid(): number | undefined {
    return this.#pid
  }

  get threadId(): number | undefined {
    return this.#threadId
  }

  send(message: ToWorker, transfer?: readonly Transferable[]): void {
    this.#lane.send(message, transfer)
  }

  kill(): Promise<void> {
    this.#killing ??= this.#kill()
    return this.#killing
  }

  #watch(worker: HostedThread): void {
    if (this.#kind.boundary === 'thread') noteWorker(worker)
    // Before tinypool hears of it. An error of a process (it cannot be started or written to) tinypool hears of first: the
    // replacement is destroyed with all else.
    worker.thread?.prependOnceListener('error', () => this.#refuseReplacement())
    worker.once('error', (error) => this.#failed(error))
    worker.once('exit', (code, signal) => {
      this.#hasExited = true
      this.#onExit()
      this.#refuseReplacement()
      this.#events.onEnding()
      // Of one that we have ended, tinypool knows; it would start another.
      if (!this.#hasFailed && !this.#killing) worker.emit('error', exited)
      const end = () =>
        this.#ended(typeof code === 'number' ? code : undefined, typeof signal === 'string' ? signal : undefined)
      const finishing = this.#lane.finish()
      if (finishing) void finishing.then(end)
      else end()
    })
  }

  #hear(answer: HelloReply): void {
    if (this.#hasEnded) return
    if (!answer.ok) {
      this.#initializerFailed = true
      this.#giveUp(decodeOr(answer.error))
      return
    }
    this.#stopTimer()
    this.#pid = answer.pid
    this.#threadId = answer.threadId
    this.#isReady = true
    this.#events.onReady()
  }

  #receive(message: FromWorker): void {
    if (message.type === 'uncaught') this.#uncaught = { error: decodeOr(message.error) }
    // It has gone on after that: a handler of its own has taken care.
    if (message.type === 'done') this.#uncaught = undefined
    if (message.type !== 'uncaught' && !this.#hasEnded) this.#events.onMessage(message)
  }

  #giveUp(cause: unknown): void {
    this.#uncaught ??= { error: cause }
    void this.kill()
  }

  #failed(error: unknown): void {
    this.#hasFailed = true
    // What was never started has no id, and never exits. Of a process, tinypool makes the error itself, and it says nothing.
    const isStarted = Boolean(this.#worker?.threadId)
    if (!isStarted || (this.#kind.boundary === 'thread' && error !== exited)) this.#uncaught ??= { error }
    if (isStarted) void this.kill()
    else this.#ended(undefined, undefined)
  }

  #ended(exitCode: number | undefined, signal: string | undefined): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#stopTimer()
    this.#lane.close()
    void this.kill()
    const cause = this.#uncaught?.error
    const death: Death = {
      how: howItEnded(exitCode, signal, cause, this.#settings.resourceLimits),
      // A signal ended it: then the code means nothing.
      exitCode: signal === undefined ? exitCode : undefined,
      signal,
      pid: this.#pid,
      threadId: this.#threadId,
      cause,
      wasStarting: !this.#isReady,
      initializerFailed: this.#initializerFailed,
    }
    this.#events.onEnd(death)
  }

  #refuseReplacement(): void {
    this.#host.options.minThreads = 0
  }

  async #kill(): Promise<void> {
    this.#refuseReplacement()
    const workers = new Set(this.#host.threads)
    // tinypool has forgotten one that has failed: its exit is still to come, and says how it ended.
    if (this.#worker && !this.#hasExited) workers.add(this.#worker)
    const exits = [...workers].map((worker) => {
      worker.removeListener ??= () => {}
      // tinypool tells of a process's failure while Node tells of its exit: who listens only then is not told.
      const exit =
        worker === this.#worker ? this.#exit : new Promise<void>((resolve) => worker.once('exit', () => resolve()))
      this.#kind.killWorker?.(worker)
      return worker.threadId ? exit : undefined
    })
    await Promise.allSettled([this.#host.destroy(), ...exits])
    await this.#lane.finish()
    this.#ended(undefined, undefined)
  }
}

function decodeOr(encoded: Parameters<typeof decodeValue>[0]): unknown {
  try {
    return decodeValue(encoded)
  } catch (error) {
    return error
  }
}

function howItEnded(
  exitCode: number | undefined,
  signal: string | undefined,
  cause: unknown,
  limits: ResourceLimits | undefined,
): string {
  const limit = Object.entries(limits ?? {})
    .map(([name, megabytes]) => `${name}: ${megabytes}`)
    .join(', ')
  if (isOutOfMemory(cause)) return limit === '' ? 'ran out of memory' : `ran out of memory (${limit})`
  if (signal === 'SIGABRT') return `was ended by SIGABRT, as Node does when memory runs out${limit && ` (${limit})`}`
  if (signal !== undefined) return `was ended by ${signal}`
  if (exitCode !== undefined) return `ended with exit code ${exitCode}`
  return `failed: ${messageOf(cause)}`
}

function isOutOfMemory(cause: unknown): boolean {
  return typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY'
}

function messageOf(cause: unknown): string {
  return typeof cause === 'object' && cause !== null && 'message' in cause ? String(cause.message) : String(cause)
}
