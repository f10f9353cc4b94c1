import { FREE, type Outcome, ownedBy, unlock } from '../algorithms/mutex.js'
import {
  AWAITING_LANE,
  acquirePermits,
  addPermits,
  BLOCKING_LANE,
  BOUND,
  disownPermits,
  heldIndex,
  isQueued,
  type Line,
  LOCK,
  permitLineWords,
  QUEUED,
  readFreePermits,
  releasePermits,
  TOTAL,
  tryAcquirePermits,
} from '../algorithms/permit-line.js'
import { runBlocking, runRelease, runWithoutWaiting } from '../drivers/blocking.js'
import { type Lane, laneOf } from '../drivers/lane.js'
import { isAbort } from '../drivers/patience.js'
import { TimeoutError } from '../errors.js'
import { throwIfClosed } from '../memory/closed.js'
import type { Memory } from '../memory/memory.js'
import { generationOf, lastSlot, slotOf } from '../memory/participants.js'
import type { ObjectKind, Place } from '../shared-object.js'

/** The permits of a semaphore, and the ways to take and give them. */
export class SemaphoreCore {
  readonly place: Place
  readonly bound: number
  readonly #memory: Memory
  readonly #words: Int32Array
  readonly #line: Line
  readonly #participant: number
  /** The inner lock's word while this thread holds it and nobody waits for it. */
  readonly #mine: number
  /** Indices: of the inner lock, of words under it, and of the permits that this thread holds, after its generation. */
  readonly #lock: number
  readonly #queued: number
  readonly #total: number
  readonly #highest: number
  readonly #firstHeld: number
  readonly #stride: number
  readonly #held: number
  readonly #generation: number
  readonly #lane: Lane<Outcome>

  constructor(place: Place) {
    const { memory } = place
    this.place = place
    this.#memory = memory
    this.#words = memory.words
    this.#line = { index: place.at(0), highest: memory.highestSlotIndex }
    this.#participant = memory.participant
    this.#mine = ownedBy(memory.participant)
    this.#lock = place.at(LOCK)
    this.#queued = place.at(QUEUED)
    this.#total = place.at(TOTAL)
    this.#highest = memory.highestSlotIndex
    this.#firstHeld = heldIndex(place.at(0), 1)
    this.#stride = heldIndex(place.at(0), 2) - this.#firstHeld
    this.#held = heldIndex(place.at(0), slotOf(memory.participant))
    this.#generation = generationOf(memory.participant)
    this.#lane = laneOf(memory, place.at(0))
    this.bound = place.load(BOUND)
  }

  static allocate(kind: ObjectKind, permits: number, bound: number, memory: Memory | undefined): Place {
    const place = kind.allocate(permitLineWords, memory)
    place.store(TOTAL, permits)
    place.store(BOUND, bound)
    return kind.publish(place)
  }

  get waitingHere(): number {
    return this.#lane.size
  }

  get contended(): boolean {
    return isQueued(this.#words, this.#line)
  }

  /** The free permits, with what the dead hold. */
  get free(): number {
    // Under the inner lock: words that change one after the other would show numbers that never were.
    return runWithoutWaiting(this.#memory, readFreePermits(this.#line, this.#participant))
  }

  /**
   * The fast path: what `tryAcquirePermits` does when nobody holds the inner lock, nobody waits and enough is free. Otherwise
   * false, and nothing was changed.
   */
  takeIfFree(wanted: number): boolean {
    const words = this.#words
    if (this.#memory.isClosed || Atomics.compareExchange(words, this.#lock, FREE, this.#mine) !== FREE) return false
    // The words are nobody else's while this thread holds the lock: they need no atomic steps.
    const allowed =
      words[this.#held - 1] === this.#generation && words[this.#queued] === 0 && this.#countFree() >= wanted
    if (allowed) words[this.#held] = (words[this.#held] as number) + wanted
    this.#unlock()
    return allowed
  }

  /** As far as can be seen: what the dead hold counts until somebody needs it. */
  #countFree(): number {
    const words = this.#words
    let free = words[this.#total] as number
    const end = this.#firstHeld + lastSlot(words[this.#highest] as number) * this.#stride
    for (let held = this.#firstHeld; held < end; held += this.#stride) free -= words[held] as number
    return free
  }

  #unlock(): void {
    if (Atomics.compareExchange(this.#words, this.#lock, this.#mine, FREE) !== this.#mine)
      runRelease(this.#memory, unlock(this.#lock), undefined)
  }

  tryTake(wanted: number): boolean {
    throwIfClosed(this.#memory)
    if (this.#lane.size > 0) return false
    if (this.takeIfFree(wanted)) return true
    const outcome = runWithoutWaiting(this.#memory, tryAcquirePermits(this.#line, this.#participant, wanted))
    return outcome !== 'gave up'
  }

  /** @returns false: not in time */
  takeSync(wanted: number, deadline: number): boolean {
    if (this.takeIfFree(wanted)) return true
    const steps = acquirePermits(this.#line, this.#participant, wanted, BLOCKING_LANE)
    return runBlocking(this.#memory, steps, deadline) !== 'gave up'
  }

  async take(wanted: number, deadline: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#lane.size === 0 && this.takeIfFree(wanted)) return
    const { result, ending } = await this.#lane.run(
      () => acquirePermits(this.#line, this.#participant, wanted, AWAITING_LANE),
      'gave up',
      deadline,
      signal,
    )
    if (result !== 'gave up') return
    throw isAbort(ending) ? ending.reason : this.timedOut()
  }

  /** Gives back what this thread holds. @returns false: the bound does not allow it */
  release(permits: number): boolean {
    if (this.#memory.isClosed) return true
    const words = this.#words
    if (Atomics.compareExchange(words, this.#lock, FREE, this.#mine) === FREE) {
      const held = words[this.#held] as number
      const allowed =
        words[this.#queued] === 0 &&
        words[this.#held - 1] === this.#generation &&
        held >= permits &&
        // What is free then is not more than there is altogether.
        ((words[this.#total] as number) <= this.bound || this.#countFree() + permits <= this.bound)
      if (allowed) words[this.#held] = held - permits
      this.#unlock()
      if (allowed) return true
    }
    return runRelease(this.#memory, releasePermits(this.#line, this.#participant, permits), true)
  }

  /** Adds permits that nobody held. @returns false: the bound does not allow it */
  add(permits: number): boolean {
    return runWithoutWaiting(this.#memory, addPermits(this.#line, this.#participant, permits))
  }

  disown(permits: number): void {
    runWithoutWaiting(this.#memory, disownPermits(this.#line, this.#participant, permits))
  }

  timedOut(): TimeoutError {
    return new TimeoutError('the semaphore had not enough free permits in time')
  }
}
