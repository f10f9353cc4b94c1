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

/** A snapshot for one reader. */
export interface SnapshotText {
  /** The {@link Snapshot} as JSON. */
  readonly json: string
  /** From which event on its reader is to be told next time. */
  readonly next: number
}

interface Running {
  readonly info: ScenarioInfo
  readonly run: Run
  /** What its lanes share cannot be read any more: it is going to be stopped. */
  isUnreadable: boolean
}

/**
 * Runs one scenario at a time, and looks at it ten times a second.
 *
 * Invariant: actions are done one after the other, in the order they came; each begins when the one before has ended.
 * Invariant: #timer is set while a scenario runs or somebody watches; #linger while a scenario runs and nobody does, until it
 * is over.
 */
export class Director {
  readonly #lingerMs: number
  readonly #recording = new Recording()
  readonly #watchers = new Set<() => void>()
  #running: Running | undefined
  #pace = 1
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
  snapshot(since: number | undefined): SnapshotText {
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
    try {
      await this.#queue(() => this.#do(action))
    } finally {
      this.#pending -= 1
    }
  }

  /** Stops what runs, and takes on nothing more. A second call waits as well. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#queue(() => this.#stop())
    this.#watchers.clear()
    this.#retime()
  }

  /** Does it behind all that was asked for before; then all who watch are told. */
  #queue(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work).finally(() => this.#look())
    this.#last = done.catch(() => {})
    return done
  }

  async #do(action: Action): Promise<void> {
    if (this.#isClosed) throw new ActionError('the server is closing')
    if (action.do === 'start') await this.#start(action.scenario)
    else if (action.do === 'stop') await this.#stop()
    else if (action.do === 'pace') this.#setPace(action.pace)
    else if (!this.#running?.run.kill(action.lane)) throw new ActionError(`there is no living lane ${action.lane}`)
  }

  async #start(name: string): Promise<void> {
    const scenario = scenarios.find(({ info }) => info.name === name)
    if (scenario === undefined) throw new ActionError('there is no such scenario')
    await this.#stop()
    // Those who watch see the end of what ran, before something else begins.
    this.#look()
    this.#recording.beginAnew()
    try {
      const run = scenario.begin(this.#recording, this.#pace)
      this.#running = { info: scenario.info, run, isUnreadable: false }
    } catch (error) {
      throw new ActionError(`it cannot run here: ${describe(error)}`)
    }
    this.#recording.note(`${scenario.info.title}: begun`)
    this.#retime()
  }

  /** Never rejects. */
  async #stop(): Promise<void> {
    const stopped = this.#running
    if (stopped === undefined) return
    this.#running = undefined
    this.#retime()
    try {
      await stopped.run.stop()
      this.#recording.note(`${stopped.info.title}: stopped`)
    } catch (error) {
      this.#recording.note(`${stopped.info.title}: stopped, but ${describe(error)}`)
    }
  }

  #setPace(pace: number): void {
    this.#pace = pace
    this.#running?.run.setPace(pace)
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
    const views = running ? this.#views(running) : noViews
    const time = this.#recording.clock.now()
    for (const { name, size } of views.queues) this.#recording.counter(name, time, { size })
    for (const { name, running: busy, queued } of views.pools)
      this.#recording.counter(name, time, { running: busy, queued })
    for (const { name, level, waiting } of views.limiters) this.#recording.counter(name, time, { level, waiting })
    return { time, scenario: running?.info.name, pace: this.#pace, lanes: running?.run.lanes ?? [], ...views }
  }

  #views(running: Running): Views {
    if (running.isUnreadable) return noViews
    try {
      return running.run.look()
    } catch (error) {
      running.isUnreadable = true
      this.#recording.note(`the scenario is stopped: ${describe(error)}`)
      void this.#queue(async () => {
        if (this.#running === running) await this.#stop()
      })
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
    const running = this.#running
    if (running === undefined || isWatched) {
      clearTimeout(this.#linger)
      this.#linger = undefined
    } else
      this.#linger ??= setTimeout(() => {
        this.#linger = undefined
        void this.#queue(async () => {
          // Until its turn has come, somebody may watch again.
          if (this.#running === running && this.#watchers.size === 0) await this.#stop()
        })
      }, this.#lingerMs)
  }
}
