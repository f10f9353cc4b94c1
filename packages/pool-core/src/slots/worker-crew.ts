import { BrokenError } from '../errors.js'
import { holdProcess, letProcessGo } from '../platform/keep-alive.js'
import { inRootContext } from '../platform/root-context.js'
import { startTimer } from '../platform/timer.js'
import type { FromWorker } from '../protocol.js'
import type { SchedulerOptions } from '../scheduling/scheduler-options.js'
import type { SchedulerStats } from '../scheduling/scheduler-stats.js'
import { createClaimWords } from './claim-words.js'
import type { Death, WorkerEvents } from './worker-link.js'
import { WorkerSlot } from './worker-slot.js'

/** So many workers may fail to start, one after another. */
const maxStartFailures = 3

/** Milliseconds until one is started for a worker of the minimum that has ended without having run anything: it may do so again. */
const refillDelayMs = 1_000

/** What a crew tells. */
export interface CrewEvents {
  /** A worker has nothing to do. */
  onReady(): void
  onMessage(slot: WorkerSlot, message: FromWorker): void
  /** The worker has ended, and its slot is empty, except for what was on its way. */
  onEnd(slot: WorkerSlot, death: Death): void
  /** No worker can be started: nothing will ever run here. */
  onBroken(error: BrokenError): void
}

/**
 * The workers of a pool: starts, replaces and ends them.
 *
 * Invariant: at most `maxWorkers` live; each in a slot of its own.
 * Invariant: `#idle` holds exactly the slots whose worker is ready and has nothing to do.
 */
export class WorkerCrew {
  readonly slots: readonly WorkerSlot[]
  readonly #options: SchedulerOptions
  readonly #stats: SchedulerStats
  readonly #events: CrewEvents
  /** The one that was busy last comes last, and is taken first: its caches are warm. */
  readonly #idle: WorkerSlot[] = []
  #startFailures = 0
  /** Whether ended workers are replaced: until the pool takes on nothing more. */
  #isRefilled = true
  #stopRefillTimer: (() => void) | undefined
  #closed: Promise<void> | undefined

  constructor(options: SchedulerOptions, stats: SchedulerStats, events: CrewEvents) {
    this.#options = options
    this.#stats = stats
    this.#events = events
    this.slots = Array.from({ length: options.maxWorkers }, () => new WorkerSlot(options.boundary))
  }

  get isClosed(): boolean {
    return this.#closed !== undefined
  }

  /** One with nothing to do. */
  get idle(): WorkerSlot | undefined {
    return this.#idle.at(-1)
  }

  /** Whether a worker has nothing to do, or could be started. */
  get hasSpare(): boolean {
    return this.#idle.length > 0 || this.slots.some(({ state }) => state === 'empty')
  }

  /** How many have nothing to do, or will have, or could be started. */
  get free(): number {
    return this.slots.filter((slot) => slot.state !== 'ready' || slot.inFlight.length === 0).length
  }

  get #live(): number {
    return this.slots.filter(({ state }) => state === 'ready' || state === 'starting').length
  }

  /** Starts workers until as many start as there are jobs for them, or no slot is empty. */
  startFor(jobs: number): void {
    let starting = this.slots.filter(({ state }) => state === 'starting').length
    for (const slot of this.slots) {
      if (starting >= jobs || this.isClosed) return
      if (slot.state !== 'empty') continue
      this.start(slot)
      starting += 1
    }
  }

  /** As many as there are to be in any case. */
  keepMinimum(): void {
    for (const slot of this.slots) {
      if (!this.#isRefilled || this.#live >= this.#options.minWorkers) return
      if (slot.state === 'empty') this.start(slot)
    }
  }

  start(slot: WorkerSlot): void {
    const { boundary, initializer, startWorker, what } = this.#options
    const words = boundary === 'thread' ? createClaimWords() : undefined
    slot.reset(words)
    slot.state = 'starting'
    try {
      const events: WorkerEvents = {
        onReady: () => this.#onReady(slot),
        onMessage: (message) => this.#events.onMessage(slot, message),
        onEnding: () => {
          slot.state = 'ending'
          this.#removeIdle(slot)
        },
        onEnd: (death) => this.#onEnd(slot, death),
      }
      slot.link = inRootContext(() => startWorker({ words, initializer }, events))
    } catch (cause) {
      slot.state = 'empty'
      this.#breakWith(`a ${what} could not be started: ${messageOf(cause)}`, cause)
    }
  }

  #onReady(slot: WorkerSlot): void {
    if (slot.state !== 'starting') return
    this.#startFailures = 0
    slot.state = 'ready'
    this.#stats.worker('started', slot)
    this.rest(slot)
    this.#events.onReady()
  }

  /** It has something to do. */
  take(slot: WorkerSlot): void {
    slot.stopIdleTimer?.()
    slot.stopIdleTimer = undefined
    this.#removeIdle(slot)
  }

  /** It has nothing to do. */
  rest(slot: WorkerSlot): void {
    this.#idle.push(slot)
    const { idleTimeout, minWorkers } = this.#options
    if (idleTimeout === Number.POSITIVE_INFINITY) return
    slot.stopIdleTimer = startTimer(
      idleTimeout,
      () => {
        slot.stopIdleTimer = undefined
        if (slot.isIdle && this.#live > minWorkers) this.end(slot)
      },
      { unref: true },
    )
  }

  /** Ends a worker in the middle of its work; another one takes its place at once. */
  kill(slot: WorkerSlot): void {
    if (slot.state === 'empty' || slot.isKilled) return
    slot.willBeReplaced = true
    this.end(slot)
  }

  /** Ends a worker that is not needed any more. */
  end(slot: WorkerSlot): void {
    slot.state = 'ending'
    slot.isKilled = true
    this.#removeIdle(slot)
    // The end of the program must not overtake it.
    holdProcess()
    void slot.link?.kill().then(letProcessGo)
  }

  #onEnd(slot: WorkerSlot, death: Death): void {
    slot.state = 'empty'
    this.take(slot)
    for (const envelope of slot.inFlight) envelope.stopGrace?.()
    this.#stats.worker(slot.isKilled ? 'ended' : 'crashed', slot, death)
    // One that has never run anything would end again and again, if it ends by itself.
    const isReplaced = slot.isKilled ? slot.willBeReplaced : slot.runs > 0
    const hasFailed = death.wasStarting && !slot.isKilled
    this.#events.onEnd(slot, death)
    slot.link = undefined
    if (this.isClosed) return
    if (hasFailed) this.#onStartFailure(death)
    if (isReplaced && this.#isRefilled && slot.state === 'empty') this.start(slot)
    if (!slot.isKilled && !isReplaced && !hasFailed) this.#keepMinimumLater()
    else this.keepMinimum()
    this.#events.onReady()
  }

  #keepMinimumLater(): void {
    this.#stopRefillTimer ??= startTimer(
      refillDelayMs,
      () => {
        this.#stopRefillTimer = undefined
        this.keepMinimum()
      },
      { unref: true },
    )
  }

  #onStartFailure(death: Death): void {
    const { what } = this.#options
    this.#startFailures += 1
    if (death.initializerFailed) this.#breakWith(`its initializer failed: ${messageOf(death.cause)}`, death.cause)
    else if (this.#startFailures >= maxStartFailures)
      this.#breakWith(`a ${what} ${death.how} before it was ready, ${maxStartFailures} times in a row`, death.cause)
  }

  #breakWith(why: string, cause: unknown): void {
    this.#events.onBroken(new BrokenError(`${this.#options.name} has no worker: ${why}`, { cause }))
  }

  #removeIdle(slot: WorkerSlot): void {
    const at = this.#idle.indexOf(slot)
    if (at >= 0) this.#idle.splice(at, 1)
  }

  /** The pool takes on nothing more: workers are started for what it has, and not kept. */
  stopRefilling(): void {
    this.#isRefilled = false
    this.#stopRefillTimer?.()
  }

  /** Ends all of them for good. Resolves when they have ended. */
  close(): Promise<void> {
    this.stopRefilling()
    this.#closed ??= Promise.all(
      this.slots.map(async (slot) => {
        slot.stopIdleTimer?.()
        slot.isKilled = true
        if (slot.state !== 'empty') slot.state = 'ending'
        await slot.link?.kill()
      }),
    ).then(() => {})
    return this.#closed
  }
}

function messageOf(cause: unknown): string {
  return typeof cause === 'object' && cause !== null && 'message' in cause ? String(cause.message) : String(cause)
}
