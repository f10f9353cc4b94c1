import { FREE, type Outcome, ownedBy, ownerOf } from '../algorithms/mutex.js'
import {
  acquireRead,
  acquireUpgradableRead,
  acquireWrite,
  countOf,
  downgradeUpgradable,
  downgradeWrite,
  ENTERED,
  entryIndex,
  finishWrite,
  gateIndex,
  LOOK,
  lookNoMore,
  markWriteConsistent,
  mostEntries,
  newEntry,
  type ReadOutcome,
  type ReadWriteWords,
  readerOf,
  readWriteLockWords,
  releaseUpgradable,
  releaseWrite,
  tellWriter,
  tryAcquireRead,
  tryAcquireUpgradableRead,
  tryAcquireWrite,
  upgrade,
  writerIndex,
  writerOf,
} from '../algorithms/read-write-lock.js'
import { runAwaiting } from '../drivers/awaiting.js'
import { runBlocking, runRelease, runWithoutWaiting } from '../drivers/blocking.js'
import { type Lane, laneOf } from '../drivers/lane.js'
import { InternalError } from '../errors.js'
import { throwIfClosed } from '../memory/closed.js'
import type { Memory } from '../memory/memory.js'
import { lastSlot, slotOf } from '../memory/participants.js'
import type { ObjectKind, Place } from '../shared-object.js'
import type { Steps } from '../steps.js'
import { alreadyInside, notInTime, orAbort } from './read-write-failure.js'
import { type ReadWriteLockState, stateOf } from './read-write-state.js'

/** The words of a read-write lock, and the ways in and out. */
export class ReadWriteCore {
  readonly place: Place
  readonly #memory: Memory
  readonly #words: Int32Array
  readonly #lock: ReadWriteWords
  readonly #participant: number
  readonly #mine: number
  readonly #gate: number
  readonly #writer: number
  readonly #entry: number
  readonly #readers: Lane<ReadOutcome>
  readonly #writers: Lane<Outcome>
  #upgrading = 0

  constructor(place: Place) {
    const { memory } = place
    const index = place.at(0)
    this.place = place
    this.#memory = memory
    this.#words = memory.words
    this.#lock = { index, highest: memory.highestSlotIndex }
    this.#participant = memory.participant
    this.#mine = ownedBy(memory.participant)
    this.#gate = gateIndex(index)
    this.#writer = writerIndex(index)
    this.#entry = entryIndex(index, slotOf(memory.participant))
    this.#readers = laneOf(memory, this.#writer)
    this.#writers = laneOf(memory, this.#gate)
    // What an earlier thread of this slot has left does not count any more: only this thread counts here.
    const entry = Atomics.load(this.#words, this.#entry)
    if (readerOf(slotOf(this.#participant), entry) !== this.#participant)
      Atomics.store(this.#words, this.#entry, newEntry(this.#participant))
  }

  static allocate(kind: ObjectKind, memory: Memory | undefined): Place {
    return kind.publish(kind.allocate(readWriteLockWords, memory))
  }

  /** The fast path of a reader: one step, unless a writer was about since it read last. False: go the long way; nothing was changed. */
  enterIfOpen(): boolean {
    if (this.#memory.isClosed) return false
    const before = Atomics.add(this.#words, this.#entry, 1)
    if (countOf(before) < mostEntries && !this.#memory.isClosed) {
      if ((before & LOOK) === 0) return true
      if (Atomics.load(this.#words, this.#writer) === 0) {
        runWithoutWaiting(this.#memory, lookNoMore(this.#lock.index, this.#entry))
        return true
      }
    }
    this.leaveRead()
    return false
  }

  async takeRead(deadline: number, signal: AbortSignal | undefined): Promise<ReadOutcome> {
    if (this.#readers.size === 0 && this.enterIfOpen()) return 'acquired'
    const { result, ending } = await this.#readers.run(
      () => acquireRead(this.#lock, this.#participant, false),
      'gave up',
      deadline,
      signal,
    )
    return orAbort(result, ending)
  }

  takeReadSync(deadline: number): ReadOutcome {
    if (this.enterIfOpen()) return 'acquired'
    throwIfClosed(this.#memory)
    if (!this.#isReading() && writerOf(Atomics.load(this.#words, this.#writer)) === this.#participant)
      throw alreadyInside('writes, or waits to write')
    return runBlocking(this.#memory, acquireRead(this.#lock, this.#participant, true), deadline)
  }

  tryRead(): ReadOutcome {
    if (this.enterIfOpen()) return 'acquired'
    return runWithoutWaiting(this.#memory, tryAcquireRead(this.#lock, this.#participant))
  }

  leaveRead(): void {
    if (this.#memory.isClosed) return
    const before = Atomics.sub(this.#words, this.#entry, 1)
    if (before & LOOK) this.#tellWriter(before)
  }

  #tellWriter(before: number): void {
    if (this.#memory.isClosed) return
    if (countOf(before) === 0)
      throw new InternalError(`a reader that is inside has the entry ${before} in the read-write lock`)
    runRelease(this.#memory, tellWriter(this.#lock.index), undefined)
  }

  takeWrite(deadline: number, signal: AbortSignal | undefined): Promise<Outcome> {
    return this.#throughGate(() => acquireWrite(this.#lock, this.#participant), deadline, signal)
  }

  takeWriteSync(deadline: number): Outcome {
    throwIfClosed(this.#memory)
    if (this.#isReading()) throw alreadyInside('reads')
    if (this.#participantIn(this.#gate) === this.#participant) throw alreadyInside('writes, or waits to write')
    const steps = this.#writeIfFree()
    return steps ? runBlocking(this.#memory, steps, deadline) : 'acquired'
  }

  /** The fast path of a writer. Returns undefined if it is inside, or else how to go on. */
  #writeIfFree(): Steps<Outcome> | undefined {
    const words = this.#words
    if (Atomics.compareExchange(words, this.#gate, FREE, this.#mine) !== FREE)
      return acquireWrite(this.#lock, this.#participant)
    if (Atomics.compareExchange(words, this.#writer, 0, this.#mine) !== 0)
      return finishWrite(this.#lock, this.#participant)
    const last = lastSlot(Atomics.load(words, this.#lock.highest))
    for (let slot = 1; slot <= last; slot++)
      if (countOf(Atomics.or(words, entryIndex(this.#lock.index, slot), LOOK)) > 0)
        return finishWrite(this.#lock, this.#participant)
    Atomics.add(words, this.#writer, ENTERED)
    throwIfClosed(this.#memory)
    return undefined
  }

  tryWrite(): Outcome {
    throwIfClosed(this.#memory)
    if (this.#writers.size > 0) return 'gave up'
    return runWithoutWaiting(this.#memory, tryAcquireWrite(this.#lock, this.#participant))
  }

  leaveWrite(): void {
    if (this.#memory.isClosed) return
    const words = this.#words
    const inside = this.#mine | ENTERED
    if (Atomics.compareExchange(words, this.#writer, inside, 0) === inside) {
      if (Atomics.compareExchange(words, this.#gate, this.#mine, FREE) === this.#mine) return
      if (runRelease(this.#memory, releaseUpgradable(this.#lock, this.#participant), true)) return
      throw this.#notWriter()
    }
    if (!runRelease(this.#memory, releaseWrite(this.#lock, this.#participant), true)) throw this.#notWriter()
  }

  /** Whether this thread is inside as a reader as often as it can be. */
  get isFull(): boolean {
    const count = countOf(this.#words[this.#entry] as number)
    throwIfClosed(this.#memory)
    return count >= mostEntries
  }

  downgradeWrite(): void {
    runWithoutWaiting(this.#memory, downgradeWrite(this.#lock, this.#participant))
  }

  markConsistent(): void {
    runWithoutWaiting(this.#memory, markWriteConsistent(this.#lock, this.#participant))
  }

  takeUpgradable(deadline: number, signal: AbortSignal | undefined): Promise<Outcome> {
    return this.#throughGate(() => acquireUpgradableRead(this.#lock, this.#participant), deadline, signal)
  }

  takeUpgradableSync(deadline: number): Outcome {
    throwIfClosed(this.#memory)
    if (this.#participantIn(this.#gate) === this.#participant)
      throw alreadyInside('writes, waits to write, or has an upgradable read')
    if (this.#isReading()) {
      // A writer may have the gate and wait for this thread to leave, or an upgradable reader may come to do so.
      const outcome = this.tryUpgradable()
      if (outcome === 'gave up') throw alreadyInside('reads')
      return outcome
    }
    return runBlocking(this.#memory, acquireUpgradableRead(this.#lock, this.#participant), deadline)
  }

  tryUpgradable(): Outcome {
    throwIfClosed(this.#memory)
    if (this.#writers.size > 0) return 'gave up'
    return runWithoutWaiting(this.#memory, tryAcquireUpgradableRead(this.#lock, this.#participant))
  }

  async upgrade(deadline: number, signal: AbortSignal | undefined): Promise<void> {
    const steps = upgrade(this.#lock, this.#participant, true)
    this.#upgrading += 1
    try {
      const { result, ending } = await runAwaiting(this.#memory, steps, deadline, signal)
      if (orAbort(result, ending) === 'gave up') throw notInTime()
    } finally {
      this.#upgrading -= 1
    }
  }

  upgradeSync(deadline: number): void {
    throwIfClosed(this.#memory)
    if (this.#isReading()) throw alreadyInside('reads')
    if (runBlocking(this.#memory, upgrade(this.#lock, this.#participant, true), deadline) === 'gave up')
      throw notInTime()
  }

  tryUpgrade(): boolean {
    return runWithoutWaiting(this.#memory, upgrade(this.#lock, this.#participant, false)) !== 'gave up'
  }

  downgradeUpgradable(): void {
    runWithoutWaiting(this.#memory, downgradeUpgradable(this.#lock, this.#participant))
  }

  leaveUpgradable(): void {
    if (!runRelease(this.#memory, releaseUpgradable(this.#lock, this.#participant), true)) throw this.#notWriter()
  }

  state(): ReadWriteLockState {
    return stateOf(this.#memory, this.#lock, this.#readers.size + this.#writers.size + this.#upgrading)
  }

  async #throughGate(begin: () => Steps<Outcome>, deadline: number, signal: AbortSignal | undefined): Promise<Outcome> {
    const { result, ending } = await this.#writers.run(begin, 'gave up', deadline, signal)
    return orAbort(result, ending)
  }

  #isReading(): boolean {
    return countOf(this.#words[this.#entry] as number) > 0
  }

  #participantIn(index: number): number {
    const word = Atomics.load(this.#words, index)
    return word < 0 ? 0 : ownerOf(word)
  }

  #notWriter(): InternalError {
    return new InternalError(
      `the read-write lock that this thread holds has the words ${this.#words[this.#gate]} and ${this.#words[this.#writer]}`,
    )
  }
}
