import { InternalError, tooManyParticipants } from '../errors.js'
import { nativeThreadIsGone, thisThread, threadHasEnded } from './thread-identity.js'

/**
 * The table of the threads that use a memory: who they are, and which of them have ended.
 *
 * A participant is a number of 28 bits: slot (8 bits, 1 to 255) | generation << 8 (20 bits). Lock words hold it.
 *
 * words of a slot · name       · meaning
 * 0               · STATE      · state | generation << 2; 0 FREE, 1 JOINING, 2 ALIVE, 3 ENDED
 * 1               · THREAD_ID  · `worker_threads.threadId`, which a process never gives out twice
 * 2               · NATIVE_ID  · the kernel's id of the thread, 0 where that is not known
 * 3               · STARTED    · when the kernel started it, so that a reused id is told apart
 * 4               · AWAITED    · the owner word of the mutex that this thread blocks for without a limit; 0: none
 * 5               · CLAIM      · the native id of the thread that is taking the slot, -1 if it has none; 0: nobody is
 *
 * Slot 0 is never given out: its STATE is the highest slot that was ever taken.
 *
 * Invariant: a participant is never given out twice before its slot was taken 1,048,576 times.
 * Invariant: what a thread wrote under its participant stays readable as its own after the slot has a new owner, since the
 * generations differ. So a slot is free again as soon as its thread has ended, and nothing needs to be swept first.
 * Invariant: unknown is never ended. A thread counts as ended when somebody saw it end, or the kernel says so.
 * Invariant: whoever has its id in CLAIM alone writes the slot, but for the step from ALIVE to ENDED. A claim whose thread has
 * ended is taken over.
 * Differs from robust futexes (linux/Documentation/locking/robust-futexes.rst): no list is walked when a thread ends; whoever
 * waits looks after the owner.
 */
const STATE = 0
const THREAD_ID = 1
const NATIVE_ID = 2
const STARTED = 3
const AWAITED = 4
const CLAIM = 5
const wordsPerSlot = 8

const FREE = 0
const JOINING = 1
const ALIVE = 2
const ENDED = 3
const stateMask = 3

export const mostSlots = 255
const generations = 2 ** 20
const slotMask = 255
const slotBits = 8

export const slotOf = (participant: number): number => participant & slotMask
export const generationOf = (participant: number): number => participant >>> slotBits
export const participantOf = (slot: number, generation: number): number => slot | (generation << slotBits)

/** The highest slot in use, as its word says. Not more than there can be, whatever has been written there. */
export const lastSlot = (word: number): number => word & slotMask

export const participantTableWords = (slots: number): number => (slots + 1) * wordsPerSlot

/** How long an answer about a living thread stands before the kernel is asked again, in milliseconds. */
const probeIntervalMs = 10

export class Participants {
  readonly #words: Int32Array
  readonly #base: number
  readonly #slots: number
  /** When each slot was asked after last, on `performance.now()`'s clock. */
  readonly #probed: Float64Array

  constructor(words: Int32Array, base: number, slots: number) {
    this.#words = words
    this.#base = base
    this.#slots = slots
    this.#probed = new Float64Array(slots + 1).fill(Number.NEGATIVE_INFINITY)
  }

  get highestSlotIndex(): number {
    return this.#at(0) + STATE
  }

  /**
   * Takes a slot for this thread.
   *
   * @throws RangeError `ERR_TOO_MANY_PARTICIPANTS`: all slots belong to threads that are alive, as far as is known
   */
  join(): number {
    const participant = this.#takeSlot(ENDED) ?? this.#takeSlot(FREE)
    if (participant !== undefined) return participant
    for (let slot = 1; slot <= this.#slots; slot++) this.#probe(slot)
    const reclaimed = this.#takeSlot(ENDED) ?? this.#takeSlot(JOINING)
    if (reclaimed !== undefined) return reclaimed
    throw tooManyParticipants(`${this.#slots} threads use this memory already`)
  }

  #takeSlot(wanted: typeof FREE | typeof ENDED | typeof JOINING): number | undefined {
    for (let slot = 1; slot <= this.#slots; slot++) {
      const at = this.#at(slot)
      if ((Atomics.load(this.#words, at + STATE) & stateMask) !== wanted || !this.#claim(at)) continue
      const seen = Atomics.load(this.#words, at + STATE)
      const participant = (seen & stateMask) === ALIVE ? undefined : this.#fill(slot, ((seen >>> 2) + 1) % generations)
      Atomics.store(this.#words, at + CLAIM, 0)
      if (participant !== undefined) return participant
    }
    return undefined
  }

  /** Takes the right to write the slot, also from one who had it and has ended. */
  #claim(at: number): boolean {
    const own = thisThread().nativeId || -1
    const claim = Atomics.load(this.#words, at + CLAIM)
    if (claim !== 0 && claim !== own && !nativeThreadIsGone(claim)) return false
    return Atomics.compareExchange(this.#words, at + CLAIM, claim, own) === claim
  }

  #fill(slot: number, generation: number): number {
    const at = this.#at(slot)
    const { threadId, nativeId, started } = thisThread()
    Atomics.store(this.#words, at + STATE, (generation << 2) | JOINING)
    Atomics.store(this.#words, at + THREAD_ID, threadId)
    Atomics.store(this.#words, at + NATIVE_ID, nativeId)
    Atomics.store(this.#words, at + STARTED, started)
    Atomics.store(this.#words, at + AWAITED, 0)
    this.#raiseHighest(slot)
    Atomics.store(this.#words, at + STATE, (generation << 2) | ALIVE)
    return participantOf(slot, generation)
  }

  /** Before the thread does anything else in this memory: whoever looks at all slots up to the highest looks at it. */
  #raiseHighest(slot: number): void {
    const at = this.highestSlotIndex
    for (;;) {
      const seen = Atomics.load(this.#words, at)
      if (seen >= slot || Atomics.compareExchange(this.#words, at, seen, slot) === seen) return
    }
  }

  /** Whether the thread that had this participant has ended. Cheap while it lives: the kernel is asked now and then only. */
  isDead(participant: number, fresh: boolean): boolean {
    const slot = slotOf(participant)
    if (slot === 0 || slot > this.#slots)
      throw new InternalError(`the word of a lock holds the participant ${participant}`)
    const seen = Atomics.load(this.#words, this.#at(slot) + STATE)
    const state = seen & stateMask
    // FREE: there never was such a participant. A damaged word is taken over, and not waited for.
    if (seen >>> 2 !== generationOf(participant) || state === ENDED || state === FREE) return true
    const now = performance.now()
    if (!fresh && now - (this.#probed[slot] as number) < probeIntervalMs) return false
    this.#probed[slot] = now
    return this.#probe(slot)
  }

  /** Marks a thread that somebody saw end. */
  markEnded(threadId: number): void {
    for (let slot = 1; slot <= this.#slots; slot++) {
      const at = this.#at(slot)
      const seen = Atomics.load(this.#words, at + STATE)
      // In this order: if the slot has a new owner by now, the exchange finds another state.
      if ((seen & stateMask) === ALIVE && Atomics.load(this.#words, at + THREAD_ID) === threadId)
        Atomics.compareExchange(this.#words, at + STATE, seen, (seen & ~stateMask) | ENDED)
    }
  }

  setAwaited(participant: number, ownerIndex: number): void {
    Atomics.store(this.#words, this.#at(slotOf(participant)) + AWAITED, ownerIndex)
  }

  awaitedBy(participant: number): number {
    return this.#isCurrent(participant) ? Atomics.load(this.#words, this.#at(slotOf(participant)) + AWAITED) : 0
  }

  threadIdOf(participant: number): number | undefined {
    if (!this.#isCurrent(participant)) return undefined
    return Atomics.load(this.#words, this.#at(slotOf(participant)) + THREAD_ID)
  }

  #isCurrent(participant: number): boolean {
    const slot = slotOf(participant)
    if (slot === 0 || slot > this.#slots) return false
    return Atomics.load(this.#words, this.#at(slot) + STATE) >>> 2 === generationOf(participant)
  }

  #probe(slot: number): boolean {
    const at = this.#at(slot)
    const seen = Atomics.load(this.#words, at + STATE)
    if ((seen & stateMask) !== ALIVE) return (seen & stateMask) === ENDED
    const identity = {
      threadId: Atomics.load(this.#words, at + THREAD_ID),
      nativeId: Atomics.load(this.#words, at + NATIVE_ID),
      started: Atomics.load(this.#words, at + STARTED),
    }
    if (!threadHasEnded(identity)) return false
    // Compared as a whole: another thread may have reclaimed the slot, and somebody new may be in it by now.
    Atomics.compareExchange(this.#words, at + STATE, seen, (seen & ~stateMask) | ENDED)
    return true
  }

  #at(slot: number): number {
    return this.#base + slot * wordsPerSlot
  }
}
