import {
  acquireMutex,
  FAIR,
  FREE,
  markMutexConsistent,
  NOT_RECOVERABLE,
  type Outcome,
  OWNER_DIED,
  ownedBy,
  releaseMutex,
  tryAcquireMutex,
  WAITERS,
} from '../algorithms/mutex.js'
import {
  AWAITING_LANE,
  acquirePermits,
  BLOCKING_LANE,
  BOUND,
  DIED,
  HOLDER_DIED,
  isQueued,
  type Line,
  LOST,
  markFairMutexConsistent,
  permitLineWords,
  releaseFairMutex,
  TOTAL,
  tryAcquirePermits,
} from '../algorithms/permit-line.js'
import { runBlocking, runRelease, runWithoutWaiting } from '../drivers/blocking.js'
import { type Lane, laneOf } from '../drivers/lane.js'
import { isAbort } from '../drivers/patience.js'
import { InternalError, LockStateError, TimeoutError } from '../errors.js'
import { throwIfClosed } from '../memory/closed.js'
import type { Memory } from '../memory/memory.js'
import type { ObjectKind, Place } from '../shared-object.js'
import type { Steps } from '../steps.js'
import { throwIfDeadlocked } from './deadlock.js'
import { fairLineIndex, ownerAt } from './mutex-owner.js'

/** Who holds a lock. */
export interface LockOwner {
  /** `threadId` of `node:worker_threads`, 0 on a main thread; undefined when the thread has ended and left its place. */
  readonly threadId: number | undefined
  /** Whether the thread has not been seen to end. */
  readonly alive: boolean
}

export interface MutexState {
  readonly held: boolean
  readonly owner: LockOwner | undefined
  /** Whether somebody may be waiting, in any thread. */
  readonly contended: boolean
  /** How many tasks of this thread wait. */
  readonly waitingHere: number
  /** Whether a former owner has died, and nobody has said since that the data is consistent. */
  readonly ownerDied: boolean
  /** False: the lock was released after its owner's death without being marked consistent, and nobody gets it any more. */
  readonly recoverable: boolean
}

export interface MutexCoreOptions {
  readonly detectDeadlocks: boolean
  readonly onOwnerDied: ((guard: never) => unknown) | undefined
}

/** What mutexes and recursive mutexes have in common: the words, the ways to take them, and who holds them. */
export class MutexCore {
  readonly place: Place
  readonly memory: Memory
  readonly what: string
  /** What its users have asked for when a former owner has died; each class knows the guard that it takes. */
  readonly onOwnerDied: MutexCoreOptions['onOwnerDied']
  readonly #words: Int32Array
  readonly #index: number
  readonly #participant: number
  /** The state word while this thread holds the lock, nobody sleeps and all is well. */
  readonly #mine: number
  readonly #line: Line | undefined
  readonly #lane: Lane<Outcome>
  readonly #detectsDeadlocks: boolean

  /** Only for {@link openMutexCore}, which knows the class that the memory needs. */
  constructor(place: Place, what: string, options: MutexCoreOptions) {
    const { memory } = place
    this.place = place
    this.memory = memory
    this.what = what
    this.#words = memory.words
    this.#index = place.at(0)
    this.#participant = memory.participant
    this.#mine = ownedBy(memory.participant)
    this.#line =
      Atomics.load(this.#words, this.#index) === FAIR
        ? { index: fairLineIndex(this.#index), highest: memory.highestSlotIndex }
        : undefined
    this.#lane = laneOf(memory, this.#index)
    this.#detectsDeadlocks = options.detectDeadlocks
    this.onOwnerDied = options.onOwnerDied
  }

  /** Words for a new mutex. */
  static allocate(kind: ObjectKind, fair: boolean, memory: Memory | undefined): Place {
    const place = kind.allocate((slots) => 1 + (fair ? permitLineWords(slots) : 0), memory)
    if (fair) {
      const line = fairLineIndex(place.at(0))
      Atomics.store(place.memory.words, line + TOTAL, 1)
      Atomics.store(place.memory.words, line + BOUND, 1)
      place.store(0, FAIR)
    }
    return kind.publish(place)
  }

  /** Tasks of this thread that wait. */
  get waitingHere(): number {
    return this.#lane.size
  }

  /** The fast path: one step, and nothing else if nobody holds it. Never true for a fair one. */
  takeIfFree(): boolean {
    return Atomics.compareExchange(this.#words, this.#index, FREE, this.#mine) === FREE
  }

  throwIfClosed(): void {
    throwIfClosed(this.memory)
  }

  /** Takes it without waiting, if it can be had. */
  tryTake(): Outcome {
    throwIfClosed(this.memory)
    if (this.#lane.size > 0) return 'gave up'
    if (this.takeIfFree()) return 'acquired'
    return runWithoutWaiting(
      this.memory,
      this.#line
        ? tryAcquirePermits(this.#line, this.#participant, 1)
        : tryAcquireMutex(this.#index, this.#participant),
    )
  }

  /** Takes it, and blocks this thread until then. @throws LockStateError `ERR_ALREADY_OWNED`, `ERR_DEADLOCK` */
  takeSync(deadline: number): Outcome {
    throwIfClosed(this.memory)
    if (this.takeIfFree()) return 'acquired'
    if (this.isMine()) {
      throwIfClosed(this.memory)
      throw new LockStateError(
        'ERR_ALREADY_OWNED',
        `this thread holds ${this.what} already: waiting for it here could never end`,
      )
    }
    const steps = this.#acquire(BLOCKING_LANE)
    if (!this.#detectsDeadlocks || deadline !== Number.POSITIVE_INFINITY)
      return runBlocking(this.memory, steps, deadline)
    this.memory.setAwaited(this.#index)
    try {
      throwIfDeadlocked(this.memory, this.#index)
      return runBlocking(this.memory, steps, deadline)
    } finally {
      this.memory.setAwaited(0)
    }
  }

  /**
   * Takes it without blocking this thread, behind the tasks of this thread that came earlier.
   *
   * @param onTaken - told at the moment when this thread has it, before anything else of this thread runs
   */
  async take(
    deadline: number,
    signal: AbortSignal | undefined,
    onTaken: (outcome: Outcome) => void = () => {},
  ): Promise<Outcome> {
    if (this.#lane.size === 0 && this.takeIfFree()) {
      onTaken('acquired')
      return 'acquired'
    }
    const begin = () => telling(this.#acquire(AWAITING_LANE), onTaken)
    const { result, ending } = await this.#lane.run(begin, 'gave up', deadline, signal)
    if (result !== 'gave up') return result
    throw isAbort(ending) ? ending.reason : this.timedOut()
  }

  release(): void {
    const seen = Atomics.compareExchange(this.#words, this.#index, this.#mine, FREE)
    if (seen !== this.#mine) this.#releaseSlowly(seen)
  }

  #releaseSlowly(seen: number): void {
    if (seen === (this.#mine | WAITERS)) {
      // What `releaseMutex` does, without the cost of a generator.
      Atomics.store(this.#words, this.#index, FREE)
      this.memory.notify(this.#index, 1)
      return
    }
    const released = runRelease(
      this.memory,
      this.#line ? releaseFairMutex(this.#line, this.#participant) : releaseMutex(this.#index, this.#participant),
      true,
    )
    if (!released)
      throw new InternalError(
        `${this.what} that this thread holds has the state word ${this.#words[this.#index]} instead of ${this.#mine}`,
      )
  }

  markConsistent(): void {
    runWithoutWaiting<unknown>(
      this.memory,
      this.#line
        ? markFairMutexConsistent(this.#line, this.#participant)
        : markMutexConsistent(this.#index, this.#participant),
    )
  }

  /** Whether this thread holds it, by whatever guard. */
  isMine(): boolean {
    return ownerAt(this.memory, this.#index) === this.#participant
  }

  isSameAs(other: MutexCore): boolean {
    return this.memory === other.memory && this.#index === other.#index
  }

  state(): MutexState {
    const participant = ownerAt(this.memory, this.#index)
    const owner =
      participant === 0
        ? undefined
        : { threadId: this.memory.threadIdOf(participant), alive: !this.memory.isDead(participant) }
    const state = this.#line ? this.#lineState(this.#line) : this.#wordState()
    throwIfClosed(this.memory)
    return {
      held: owner !== undefined,
      owner,
      ...state,
      ownerDied: state.ownerDied || owner?.alive === false,
      waitingHere: this.#lane.size,
    }
  }

  #wordState(): Pick<MutexState, 'contended' | 'ownerDied' | 'recoverable'> {
    const word = Atomics.load(this.#words, this.#index)
    if (word === NOT_RECOVERABLE) return { contended: false, ownerDied: true, recoverable: false }
    return { contended: (word & WAITERS) !== 0, ownerDied: (word & OWNER_DIED) !== 0, recoverable: true }
  }

  #lineState(line: Line): Pick<MutexState, 'contended' | 'ownerDied' | 'recoverable'> {
    const died = Atomics.load(this.#words, line.index + DIED)
    return { contended: isQueued(this.#words, line), ownerDied: died >= HOLDER_DIED, recoverable: died !== LOST }
  }

  #acquire(lane: typeof BLOCKING_LANE | typeof AWAITING_LANE): Steps<Outcome> {
    return this.#line
      ? acquirePermits(this.#line, this.#participant, 1, lane)
      : acquireMutex(this.#index, this.#participant)
  }

  timedOut(): TimeoutError {
    return new TimeoutError(`${this.what} was not free in time`)
  }

  notRecoverable(): LockStateError {
    return new LockStateError(
      'ERR_NOT_RECOVERABLE',
      `the owner of ${this.what} died, and the next one released it without markConsistent(): nobody gets it any more`,
    )
  }
}

function* telling(steps: Steps<Outcome>, onTaken: (outcome: Outcome) => void): Steps<Outcome> {
  const outcome = yield* steps
  onTaken(outcome)
  return outcome
}
