import type { Executor } from '../executor.js'
import type { ExecutorFixture } from './fixture.js'

const idleMs = 250

/**
 * Executors that cases have left idle, for those that come: starting what runs the tasks is what takes the time.
 *
 * Invariant: when all cases have run, or none has for a while, nothing is left on the shelf and all of it has ended.
 */
export class Shelf {
  readonly #fixture: ExecutorFixture
  readonly #toRun: Set<string>
  #idle: { readonly concurrency: number; readonly executor: Executor }[] = []
  #running = 0
  #timer: NodeJS.Timeout | undefined

  /** @param names - of all the cases */
  constructor(fixture: ExecutorFixture, names: readonly string[]) {
    this.#fixture = fixture
    this.#toRun = new Set(names)
  }

  create(concurrency: number, maxResults?: number): Executor {
    return this.#fixture.create(maxResults === undefined ? { concurrency } : { concurrency, maxResults })
  }

  /** One that is idle and may have been used before. */
  take(concurrency: number): Executor {
    const index = this.#idle.findIndex((each) => each.concurrency === concurrency)
    return this.#idle.splice(index, index < 0 ? 0 : 1)[0]?.executor ?? this.create(concurrency)
  }

  /** Gives one back; ends it if there is still something in it. */
  async putBack(executor: Executor, concurrency: number): Promise<void> {
    const { running, queued } = executor.stats()
    const isClean = running + queued === 0 && (await executor.waitForAllTasks({ timeout: 0 })).size === 0
    if (isClean) this.#idle.push({ concurrency, executor })
    else await executor.terminate()
  }

  onBegin(): void {
    clearTimeout(this.#timer)
    this.#running += 1
  }

  /** The last case ends what is left. A runner may be told to run some cases only: then the time does. */
  async onEnd(name: string): Promise<void> {
    this.#toRun.delete(name)
    this.#running -= 1
    if (this.#running > 0) return
    if (this.#toRun.size === 0) await this.#endAll()
    else
      this.#timer = setTimeout(() => {
        this.#endAll().catch(() => undefined)
      }, idleMs)
  }

  async #endAll(): Promise<void> {
    const idle = this.#idle
    this.#idle = []
    await Promise.all(idle.map(({ executor }) => executor.terminate()))
  }
}
