import { availableParallelism } from 'node:os'
import { describe } from './lanes/bodies.js'
import type { Action, Hello, ScenarioInfo, Snapshot } from './protocol.js'
import { Recording } from './recording.js'
import { scenarios } from './scenarios/catalogue.js'
import { noViews, type Run, type Views } from './scenarios/scenario.js'
import { traceOf } from './trace.js'

const lookMs = 100
/** How often those who watch hear from a server that does nothing. */
const idleMs = 1_000
const mostActions = 64

/** What was asked for cannot be done; nothing has changed, unless something that ran was stopped for it. */
export class ActionError extends Error {
  static {
    ActionError.prototype.name = 'ActionError'
  }
}

/** A snapshot as JSON, and from which event on its reader is to be told next time. */
export interface Told {
  readonly json: string
  readonly next: number
}

/**
 * Runs one scenario at a time, and looks at it ten times a second.
 *
 * Invariant: actions are done one after the other, in the order they came; each begins when the one before has ended.
 * Invariant: #timer is set while a scenario runs or somebody watches, #linger while a scenario runs and nobody does.
 */
export class Director {
  readonly #lingerMs: number
  readonly #recording = new Recording()
  readonly #watchers = new Set<() => void>()
  #running: { readonly info: ScenarioInfo; readonly run: Run } | undefined
  #slowness = 1
  /** What was seen at the last look, and up to which event. */
  #seen: Omit<Snapshot, 'changes' | 'notes'>
  #seenEnd = 0
  /** What those are told who were last told up to this event: the same for all of them until the next look. */
  readonly #told = new Map<number | undefined, string>()
  #timer: NodeJS.Timeout | undefined
  #timerMs: number | undefined
  #linger: NodeJS.Timeout | undefined
  #last: Promise<void> = Promise.resolve()
  #pending = 0
  #isClosed = false

  /** @param lingerMs - a scenario that nobody has watched for so long is stopped */
  constructor(lingerMs: number) {
    this.#lingerMs = lingerMs
    this.#seen = this.#see()
  }

  hello(): Hello {
    return { scenarios: scenarios.map(({ info }) => info), cores: availableParallelism(), node: process.version }
  }

  /** What was seen at the last look, for one who was last told up to event `since`; undefined: who was told nothing yet. */
  snapshot(since: number | undefined): Told {
    let json = this.#told.get(since)
    if (json === undefined) {
      json = JSON.stringify({ ...this.#seen, ...this.#recording.told(since, this.#seenEnd) } satisfies Snapshot)
      this.#told.set(since, json)
    }
    return { json, next: this.#seenEnd }
  }

  /** What was recorded since the scenario began that runs, or ran last. */
  trace(): string {
    return JSON.stringify(traceOf(this.#recording))
  }

  /** Calls `tick` after each look, until what this returns is called. */
  watch(tick: () => void): () => void {
    this.#watchers.add(tick)
    this.#retime()
    return () => {
      this.#watchers.delete(tick)
      this.#retime()
    }
  }

  /**
   * Does what is asked for, behind all that was asked for before.
   *
   * @throws ActionError: it cannot be done
   */
  async act(action: Action): Promise<void> {
    if (this.#isClosed || this.#pending >= mostActions) throw new ActionError('the server has no time for this now')
    this.#pending += 1
    const done = this.#last.then(() => this.#do(action))
    this.#last = done.catch(() => {})
    try {
      await done
    } finally {
      this.#pending -= 1
    }
  }

  /** Stops what runs, and takes on nothing more. A second call waits as well. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#last = this.#last.then(() => this.#stop())
    await this.#last
    this.#watchers.clear()
    this.#retime()
  }

  async #do(action: Action): Promise<void> {
    try {
      if (this.#isClosed) throw new ActionError('the server is closing')
      if (action.do === 'start') await this.#start(action.scenario)
      else if (action.do === 'stop') await this.#stop()
      else if (action.do === 'pace') this.#setPace(action.pace)
      else if (!this.#running?.run.kill(action.lane)) throw new ActionError(`there is no living lane ${action.lane}`)
    } finally {
      this.#look()
    }
  }

  async #start(name: string): Promise<void> {
    const scenario = scenarios.find(({ info }) => info.name === name)
    if (scenario === undefined) throw new ActionError('there is no such scenario')
    await this.#stop()
    this.#recording.clear()
    try {
      this.#running = { info: scenario.info, run: scenario.begin(this.#recording, this.#slowness) }
    } catch (error) {
      throw new ActionError(`it cannot run here: ${describe(error)}`)
    }
    this.#recording.note(`${scenario.info.title}: begun`)
    this.#retime()
  }

  async #stop(): Promise<void> {
    const stopped = this.#running
    if (stopped === undefined) return
    this.#running = undefined
    this.#retime()
    await stopped.run.stop()
    this.#recording.note(`${stopped.info.title}: stopped`)
  }

  #setPace(slowness: number): void {
    this.#slowness = slowness
    this.#running?.run.setPace(slowness)
  }

  /** Looks at what runs, and tells all who watch. */
  #look(): void {
    this.#seen = this.#see()
    this.#seenEnd = this.#recording.end
    this.#told.clear()
    for (const tick of this.#watchers) tick()
  }

  #see(): Omit<Snapshot, 'changes' | 'notes'> {
    const running = this.#running
    const views = this.#views(running?.run)
    const time = this.#recording.clock.now()
    for (const { name, size } of views.queues) this.#recording.counter(name, time, { size })
    for (const { name, running: busy, queued } of views.pools)
      this.#recording.counter(name, time, { running: busy, queued })
    for (const { name, level, waiting } of views.limiters) this.#recording.counter(name, time, { level, waiting })
    return { time, scenario: running?.info.name, pace: this.#slowness, lanes: running?.run.lanes ?? [], ...views }
  }

  #views(run: Run | undefined): Views {
    try {
      return run?.look() ?? noViews
    } catch (error) {
      // What the lanes share cannot be read any more: nothing of it can be shown.
      this.#recording.note(`the scenario is stopped: ${describe(error)}`)
      this.act({ do: 'stop' }).catch(() => {})
      return noViews
    }
  }

  #retime(): void {
    const isWatched = this.#watchers.size > 0
    const ms = this.#running ? lookMs : isWatched ? idleMs : undefined
    if (ms !== this.#timerMs) {
      clearInterval(this.#timer)
      this.#timer = ms === undefined ? undefined : setInterval(() => this.#look(), ms)
      this.#timerMs = ms
    }
    if (this.#running === undefined || isWatched) {
      clearTimeout(this.#linger)
      this.#linger = undefined
    } else this.#linger ??= setTimeout(() => void this.act({ do: 'stop' }).catch(() => {}), this.#lingerMs)
  }
}
