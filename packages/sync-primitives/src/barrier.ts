import {
  ARRIVED,
  arrivedOf,
  BROKEN,
  barrierWords,
  breakBarrier,
  mostParties,
  PARTIES,
  PARTY,
  type Passage,
  passBarrier,
  phaseOf,
  resetBarrier,
  STATE_WORD,
  TRIPPING,
  trip,
} from './algorithms/barrier.js'
import { runAwaiting } from './drivers/awaiting.js'
import { runBlocking, runWithoutWaiting } from './drivers/blocking.js'
import { isAbort } from './drivers/patience.js'
import { holdProcess, letProcessGo } from './drivers/ticker.js'
import { BrokenError, LockStateError, TimeoutError } from './errors.js'
import { refusePromise } from './locks/refuse-promise.js'
import type { Memory } from './memory/memory.js'
import {
  type AcquireOptions,
  type AcquireSyncOptions,
  deadlineOf,
  functionOption,
  objectOption,
  signalOf,
  wholeNumber,
} from './options.js'
import { ObjectKind, Place, type SharedObjectHandle } from './shared-object.js'

const kind = new ObjectKind({
  name: 'sync-primitives/Barrier',
  version: 1,
  tag: 0x42617272, // "Barr"
  fromHandle: (handle) => Barrier.fromHandle(handle),
})

/** What concerns one thread's view of a barrier. */
export interface BarrierOpenOptions {
  /**
   * Runs once for each time that all parties have come, before any of them goes on: in the thread of the last one, with the
   * action that the last one's object has. What it throws comes out of that one's wait, and breaks the barrier for the others.
   * `waitSync` needs one that returns no promise.
   */
  readonly action?: (() => unknown) | undefined
}

/** How a barrier is made. */
export interface BarrierOptions extends BarrierOpenOptions {
  /** Where its words are. Default: this thread's own memory. */
  readonly memory?: Memory | undefined
}

/** How one party has passed. */
export interface BarrierTurn {
  /** In which place it came, 0 to parties - 1; each once. */
  readonly index: number
  /** Whether it was the last one to come; true for exactly one. */
  readonly serial: boolean
}

export interface BarrierState {
  readonly parties: number
  /** How many have come and wait. */
  readonly waiting: number
  /** Whether it is broken, and every wait throws until somebody resets it. */
  readonly broken: boolean
}

/**
 * A place where a fixed number of parties wait for each other, again and again.
 *
 * A party that gives up, by timeout or signal, breaks the barrier: the others that wait get `ERR_BARRIER_BROKEN`, and so does
 * whoever comes, until somebody calls `reset()`. The same holds for a party that ends while it waits, and for an action that
 * throws. A party that ends before it comes is not known to have been one: the others wait for it, so give them a timeout.
 * Memory: what a party wrote before it came is visible to all when they have passed.
 *
 * Closed: when its memory is closed, as a segment can be, every method throws ClosedError `ERR_CLOSED`, and so does every call
 * that waits.
 */
export class Barrier {
  readonly #place: Place
  readonly #action: (() => unknown) | undefined

  /**
   * Makes a new barrier. Does not block.
   *
   * @param parties - whole number, 1 to 2,047; with 1 nobody ever waits
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad arguments, or no room in `memory`
   */
  constructor(parties: number, options?: BarrierOptions)
  /** @internal */
  constructor(place: Place, options?: BarrierOpenOptions)
  constructor(first: number | Place, options?: BarrierOptions) {
    const { action, memory } = objectOption(options)
    this.#action = functionOption('action', action)
    if (first instanceof Place) this.#place = first
    else {
      const parties = wholeNumber('parties', first, 1, mostParties)
      const place = kind.allocate(() => barrierWords(parties), memory)
      place.store(PARTIES, parties)
      this.#place = kind.publish(place)
    }
  }

  /** How many parties wait for each other. */
  get parties(): number {
    return this.#place.load(PARTIES)
  }

  /**
   * Comes to the barrier, and waits without blocking the thread until all have come. A pending call keeps the process alive.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @throws TimeoutError `ERR_TIMEOUT`: the others did not come in time; the barrier is broken, unless the action of the turn
   *   before was still running, which this one is no part of
   * @throws the reason of `options.signal` as given, when it aborts while this waits; the barrier is broken then
   * @throws BrokenError `ERR_BARRIER_BROKEN`: it is broken, or was broken or reset while this waited
   * @throws what the action throws, if this came last; the barrier is broken
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options; it did not come
   */
  async wait(options?: AcquireOptions): Promise<BarrierTurn> {
    const deadline = deadlineOf(options)
    const signal = signalOf(options)
    if (signal?.aborted) throw signal.reason
    const { result, ending } = await runAwaiting(this.#place.memory, this.#pass(), deadline, signal)
    if (result.outcome === 'gave up' && isAbort(ending)) throw ending.reason
    if (result.outcome !== 'run the action') return turnOf(result)
    holdProcess()
    try {
      await this.#action?.()
    } catch (error) {
      this.#break(result.generation)
      throw error
    } finally {
      letProcessGo()
    }
    return this.#trip(result)
  }

  /**
   * Comes to the barrier, and blocks this thread and its event loop until all have come. On a main thread prefer
   * {@link Barrier.wait}. Fails as that does, without a signal.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @throws TypeError `ERR_INVALID_ARG`: the action returned a promise; the barrier is broken
   * @throws LockStateError `ERR_ALREADY_OWNED`: this thread runs the action of the barrier; state unchanged
   */
  waitSync(options?: AcquireSyncOptions): BarrierTurn {
    const deadline = deadlineOf(options)
    if (this.#isActingHere())
      throw new LockStateError(
        'ERR_ALREADY_OWNED',
        'the action of the barrier is running in this thread: waiting for its end here could never end',
      )
    const result = runBlocking(this.#place.memory, this.#pass(), deadline)
    if (result.outcome !== 'run the action') return turnOf(result)
    try {
      const done = this.#action?.()
      refusePromise(done, 'the action returned a promise, which nobody can wait for in waitSync')
    } catch (error) {
      this.#break(result.generation)
      throw error
    }
    return this.#trip(result)
  }

  /** Breaks the barrier: all who wait, and all who come before a reset, get `ERR_BARRIER_BROKEN`. Does not block. */
  abort(): void {
    this.#break()
  }

  /**
   * Makes the barrier as new. Does not block. Those who wait get `ERR_BARRIER_BROKEN`; without any, and if it is not broken,
   * nothing happens.
   */
  reset(): void {
    const { memory } = this.#place
    runWithoutWaiting(memory, resetBarrier(this.#place.at(0), memory.participant))
  }

  /** How many wait, and whether it is broken: a snapshot, it may be stale when you read it. Does not block. */
  getState(): BarrierState {
    const state = this.#place.load(STATE_WORD)
    const broken = phaseOf(state) === BROKEN
    return { parties: this.parties, waiting: broken ? 0 : arrivedOf(this.#place.load(ARRIVED), state), broken }
  }

  /** Plain data that `postMessage` and `workerData` carry to another thread of this process; the action does not go with it. */
  toHandle(): SharedObjectHandle {
    return kind.handleOf(this.#place)
  }

  /**
   * Opens the barrier that a handle names, in this thread. Does not block.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a barrier, or it did not come from a thread of this process
   * @throws TypeError `ERR_INVALID_ARG`: bad options
   * @throws RangeError `ERR_TOO_MANY_PARTICIPANTS`: as many threads use its memory already as that has room for
   */
  static fromHandle(handle: SharedObjectHandle, options?: BarrierOpenOptions): Barrier {
    return new Barrier(kind.open(handle), options)
  }

  #isActingHere(): boolean {
    if (phaseOf(this.#place.load(STATE_WORD)) !== TRIPPING) return false
    return this.#place.load(PARTY + this.parties - 1) === this.#place.memory.participant
  }

  #pass() {
    return passBarrier(this.#place.at(0), this.#place.memory.participant, this.#action !== undefined)
  }

  #break(generation?: number): void {
    const { memory } = this.#place
    runWithoutWaiting(memory, breakBarrier(this.#place.at(0), memory.participant, generation))
  }

  #trip({ index, generation }: Extract<Passage, { outcome: 'run the action' }>): BarrierTurn {
    const { memory } = this.#place
    if (!runWithoutWaiting(memory, trip(this.#place.at(0), memory.participant, generation))) throw broken()
    return { index, serial: true }
  }
}

function turnOf(passage: Exclude<Passage, { outcome: 'run the action' }>): BarrierTurn {
  if (passage.outcome === 'passed') return { index: passage.index, serial: passage.serial }
  if (passage.outcome === 'broken') throw broken()
  throw new TimeoutError('the barrier was not passed in time')
}

function broken(): BrokenError {
  return new BrokenError(
    'ERR_BARRIER_BROKEN',
    'the barrier is broken: a party gave up or ended, or somebody aborted or reset it',
  )
}
