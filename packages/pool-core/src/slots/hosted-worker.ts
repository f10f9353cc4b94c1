import { BrokenError } from './errors.js'
import type { Slot, TaskCall, TaskReply } from './slot.js'

/** The part of a Tinypool that a slot uses. Its pool must have exactly one worker. */
export interface WorkerHost {
  readonly threads: readonly HostedWorker[]
  run(task: unknown): Promise<unknown>
  on(event: 'error', listener: (error: Error) => void): unknown
  destroy(): Promise<void>
}

/** The part of a Tinypool's worker that a slot uses; of a process, `threadId` is the pid. */
export interface HostedWorker {
  readonly threadId: number
  once(event: string, listener: (...details: unknown[]) => void): void
  emit(event: string, ...details: unknown[]): void
  removeListener?: () => void
}

/** How the workers of one runtime are made, called and ended. */
export interface HostKind {
  /** For messages, such as `worker thread`. */
  readonly what: string
  createHost(): WorkerHost
  /** Ends the worker faster than `destroy()` does, where there is a way. */
  killWorker?(worker: HostedWorker): void
}

interface Watched {
  readonly ready: Promise<void>
  /** Filled in when the worker ends. */
  exitCode?: number | undefined
  signal?: string | undefined
}

/**
 * A slot over a Tinypool of one worker that never queues. What tinypool (2.2) gets wrong is mended here and nowhere else:
 *
 * - a thread that calls `process.exit` sends no `error`, only `exit`, and tinypool waits for it for ever: the exit is turned
 *   into the error that tinypool listens for, which rejects the call and starts a new worker;
 * - an idle worker that dies makes the pool emit `error`, which ends the process where nobody listens;
 * - the error of a worker's death says neither exit code nor signal;
 * - a call that waits for a replacement to start hangs if that one dies, too, and may be sent to the dead worker if a late
 *   answer of its comes: a host whose worker has died is never called again;
 * - `destroy` waits for the exit with `events.once`, and an `error` that comes first is an uncaught exception there, since
 *   tinypool's workers have no `removeListener`.
 *
 * Errors of tasks never come this way: the worker's side answers with them.
 *
 * Invariant: the worker of `#host` is the first that it has had, and has not ended as far as is known here.
 */
export class HostedSlot implements Slot {
  readonly #kind: HostKind
  #host: WorkerHost | undefined
  #watched: Watched | undefined
  #ending: Promise<void> = Promise.resolve()

  constructor(kind: HostKind) {
    this.#kind = kind
  }

  async ready(): Promise<void> {
    try {
      this.#up()
    } catch {
      // The call fails with it.
    }
    await this.#watched?.ready
  }

  async run(call: TaskCall): Promise<TaskReply> {
    let watched: Watched | undefined
    try {
      const host = this.#up()
      watched = this.#watched
      return (await host.run(call)) as TaskReply
    } catch (cause) {
      throw this.#broken(call, watched, cause)
    }
  }

  kill(): Promise<void> {
    const host = this.#host
    this.#host = undefined
    this.#watched = undefined
    if (host) this.#ending = Promise.all([this.#ending, this.#end(host)]).then(() => {})
    return this.#ending
  }

  close(): Promise<void> {
    return this.kill()
  }

  #up(): WorkerHost {
    if (this.#host) return this.#host
    const host = this.#kind.createHost()
    host.on('error', () => {})
    this.#host = host
    this.#watch(host)
    return host
  }

  #watch(host: WorkerHost): void {
    const [worker] = host.threads
    if (!worker) return
    let failed = false
    let markReady = () => {}
    const watched: Watched = {
      ready: new Promise((resolve) => {
        markReady = resolve
      }),
    }
    this.#watched = watched
    worker.once('message', () => markReady())
    worker.once('error', () => {
      failed = true
      markReady()
      // tinypool has put a new worker in its place by now, which goes with its host.
      if (this.#watched === watched) void this.kill()
    })
    worker.once('exit', (code, signal) => {
      if (typeof code === 'number') watched.exitCode = code
      if (typeof signal === 'string') watched.signal = signal
      if (!failed && this.#watched === watched) worker.emit('error', new Error('the worker has exited'))
    })
  }

  async #end(host: WorkerHost): Promise<void> {
    const exits = host.threads.map((worker) => {
      worker.removeListener ??= () => {}
      // What could not be started has no id, and never exits.
      const exit = worker.threadId && new Promise<void>((resolve) => worker.once('exit', () => resolve()))
      this.#kind.killWorker?.(worker)
      return exit
    })
    await Promise.allSettled([host.destroy(), ...exits])
  }

  #broken(call: TaskCall, watched: Watched | undefined, cause: unknown): BrokenError {
    const { exitCode, signal } = watched ?? {}
    const how =
      signal !== undefined
        ? `was ended by ${signal}`
        : exitCode !== undefined
          ? `ended with exit code ${exitCode}`
          : `failed: ${messageOf(cause)}`
    return new BrokenError(`the ${this.#kind.what} that ran task ${call.task.name} ${how}`, { exitCode, signal, cause })
  }
}

function messageOf(cause: unknown): string {
  return typeof cause === 'object' && cause !== null && 'message' in cause ? String(cause.message) : String(cause)
}
