import {
  generationOf,
  InternalError,
  mostSlots,
  participantOf,
  type Step,
  type Steps,
  slotOf,
  tooManyParticipants,
} from '@heddle/sync-primitives/building-blocks'
import { hasEnded, isGone, type SystemIdentity, thisThread } from './identity.js'
import { loadedKernel } from './kernel.js'
import { PARTICIPANTS } from './layout.js'
import {
  ALIVE,
  ARMED,
  AWAITED,
  BELL,
  ENDED,
  FREE,
  HOME,
  JOINING,
  LOCKED,
  markEnded,
  NAMESPACE,
  NATIVE_ID,
  PROCESS_ID,
  STARTED,
  STATE,
  slotAt,
  stateOf,
  stateWord,
  THREAD_ID,
  takeSlot,
} from './slots.js'

/** Far behind the end of any file: only the locks are there. */
const firstByte = 2 ** 40
export const byteOf = (slot: number): number => firstByte + slot
export const allBytes = { start: firstByte, length: mostSlots + 1 }

/** How long an answer about a living thread stands before the kernel is asked again, in milliseconds. */
const probeIntervalMs = 10

export const slotIndex = (slot: number): number => slotAt(PARTICIPANTS, slot)

/** What one participant looks like from outside: for reports. */
export interface ParticipantReport {
  /** The id of its process, as that one sees it. */
  readonly processId: number
  /** `threadId` of `node:worker_threads` there, 0 on a main thread. */
  readonly threadId: number
}

export class Participants {
  readonly #words: Int32Array
  readonly #slots: number
  /** The descriptor by which this thread locks its byte and asks after others'; undefined: it has no kernel. */
  readonly #fd: number | undefined
  readonly #home: number
  /** When each slot was asked after last, on `performance.now()`'s clock. */
  readonly #probed: Float64Array

  /** @param home - the participant whose mapping this thread uses; 0: its own */
  constructor(words: Int32Array, slots: number, fd: number | undefined, home = 0) {
    this.#words = words
    this.#slots = slots
    this.#fd = fd
    this.#home = home
    this.#probed = new Float64Array(slots + 1).fill(Number.NEGATIVE_INFINITY)
  }

  get highestSlotIndex(): number {
    return slotIndex(0) + STATE
  }

  /**
   * Takes a slot for this thread.
   *
   * @returns undefined: the last participant is just leaving, and the segment goes with it
   * @throws RangeError `ERR_TOO_MANY_PARTICIPANTS`: all slots belong to threads that are alive, as far as is known
   */
  join(): number | undefined {
    for (const wanted of [ENDED, FREE]) {
      const participant = this.#takeSlot(wanted)
      if (participant !== undefined) return participant
    }
    for (let slot = 1; slot <= this.#slots; slot++) this.#probe(slot)
    for (const wanted of [ENDED, JOINING]) {
      const participant = this.#takeSlot(wanted)
      if (participant !== undefined) return participant
    }
    if (this.#isLeaving()) return undefined
    throw tooManyParticipants(`${this.#slots} threads use this segment already`)
  }

  /** Whether somebody has taken all bytes at once, to remove the segment. */
  #isLeaving(): boolean {
    return this.#fd !== undefined && loadedKernel()?.isLocked(this.#fd, firstByte) === true
  }

  #takeSlot(wanted: number): number | undefined {
    const own = thisThread()
    const joiner = {
      table: PARTICIPANTS,
      slots: this.#slots,
      nativeId: own.nativeId,
      identity: new Map([
        [PROCESS_ID, own.processId],
        [NATIVE_ID, own.nativeId],
        [STARTED, own.started],
        [NAMESPACE, own.namespace],
        [THREAD_ID, own.threadId],
        [LOCKED, this.#fd === undefined ? 0 : 1],
        [HOME, this.#home],
        [AWAITED, 0],
        [ARMED, 0],
        [BELL, 0],
      ]),
    }
    const taken = this.#run(takeSlot(joiner, wanted, (slot) => this.#lockByte(slot)))
    return taken && participantOf(taken.slot, taken.generation)
  }

  /** Before this thread takes part, the drivers of the primitives cannot be used. None of these steps waits. */
  #run<Result>(steps: Steps<Result>): Result {
    let next = steps.next()
    while (!next.done) next = steps.next(this.#perform(next.value))
    return next.value
  }

  #perform(step: Step): number {
    switch (step.op) {
      case 'load':
        return Atomics.load(this.#words, step.index)
      case 'store':
        return Atomics.store(this.#words, step.index, step.value)
      case 'compareExchange':
        return Atomics.compareExchange(this.#words, step.index, step.expected, step.value)
      case 'isDead':
        return isGone(step.participant) ? 1 : 0
      default:
        throw new InternalError(`no step ${step.op} belongs to taking a slot`)
    }
  }

  #lockByte(slot: number): boolean {
    return this.#fd === undefined || loadedKernel()?.lockBytes(this.#fd, byteOf(slot), 1) !== false
  }

  /** This thread takes part no more. What it holds counts as left by a thread that has ended. */
  leave(participant: number): void {
    const alive = stateWord(generationOf(participant), ALIVE)
    this.#run(markEnded(PARTICIPANTS, slotOf(participant), alive))
  }

  /** Whether another thread uses the mapping that `home` has made. */
  hasGuests(home: number): boolean {
    for (let slot = 1; slot <= this.#slots; slot++) if (this.#isGuest(slot, home)) return true
    return false
  }

  /** All threads that use the mapping that `home` has made take part no more. */
  endGuests(home: number): void {
    for (let slot = 1; slot <= this.#slots; slot++)
      if (this.#isGuest(slot, home))
        this.#run(markEnded(PARTICIPANTS, slot, Atomics.load(this.#words, slotIndex(slot) + STATE)))
  }

  #isGuest(slot: number, home: number): boolean {
    const word = (name: number) => Atomics.load(this.#words, slotIndex(slot) + name)
    return stateOf(word(STATE)) === ALIVE && word(LOCKED) === 0 && word(HOME) === home
  }

  /** Whether the thread that had this participant has ended. Cheap while it lives: the kernel is asked now and then only. */
  isDead(participant: number, fresh: boolean): boolean {
    const slot = slotOf(participant)
    // Nobody was ever this: the word was damaged. As a dead one it is taken over, and its lock's next owner is told.
    if (slot === 0 || slot > this.#slots) return true
    const seen = Atomics.load(this.#words, slotIndex(slot) + STATE)
    if (seen >>> 2 !== generationOf(participant) || stateOf(seen) === ENDED || stateOf(seen) === FREE) return true
    const now = performance.now()
    if (!fresh && now - (this.#probed[slot] as number) < probeIntervalMs) return false
    this.#probed[slot] = now
    return this.#probe(slot)
  }

  setAwaited(participant: number, ownerIndex: number): void {
    Atomics.store(this.#words, slotIndex(slotOf(participant)) + AWAITED, ownerIndex)
  }

  awaitedBy(participant: number): number {
    return this.#isCurrent(participant) ? Atomics.load(this.#words, slotIndex(slotOf(participant)) + AWAITED) : 0
  }

  threadIdOf(participant: number): number | undefined {
    if (!this.#isCurrent(participant)) return undefined
    return Atomics.load(this.#words, slotIndex(slotOf(participant)) + THREAD_ID)
  }

  #isCurrent(participant: number): boolean {
    const slot = slotOf(participant)
    if (slot === 0 || slot > this.#slots) return false
    return Atomics.load(this.#words, slotIndex(slot) + STATE) >>> 2 === generationOf(participant)
  }

  /** All that live, as far as is known. */
  report(): ParticipantReport[] {
    const living: ParticipantReport[] = []
    for (let slot = 1; slot <= this.#slots; slot++) {
      const word = (name: number) => Atomics.load(this.#words, slotIndex(slot) + name)
      if (stateOf(word(STATE)) !== ALIVE || this.#probe(slot)) continue
      living.push({ processId: word(PROCESS_ID), threadId: word(THREAD_ID) })
    }
    return living
  }

  #probe(slot: number): boolean {
    const at = slotIndex(slot)
    const seen = Atomics.load(this.#words, at + STATE)
    if (stateOf(seen) !== ALIVE) return stateOf(seen) === ENDED
    if (!this.#hasEnded(slot)) return false
    this.#run(markEnded(PARTICIPANTS, slot, seen))
    return true
  }

  #hasEnded(slot: number): boolean {
    const word = (name: number) => Atomics.load(this.#words, slotIndex(slot) + name)
    const identity: SystemIdentity = {
      processId: word(PROCESS_ID),
      nativeId: word(NATIVE_ID),
      started: word(STARTED),
      namespace: word(NAMESPACE),
      threadId: word(THREAD_ID),
    }
    const own = thisThread()
    // One's own lock would look free, since it is one's own.
    if (identity.nativeId === own.nativeId && identity.namespace === own.namespace && identity.started === own.started)
      return false
    if (word(LOCKED) === 1 && this.#fd !== undefined && !this.#isLocked(slot)) return true
    // Also of one whose byte is locked: a descriptor may have outlived its thread.
    if (hasEnded(identity)) return true
    const home = word(HOME)
    if (home === 0 || slotOf(home) === slot || this.#fd === undefined) return false
    const homeState = Atomics.load(this.#words, slotIndex(slotOf(home)) + STATE)
    if (slotOf(home) > this.#slots || homeState >>> 2 !== generationOf(home))
      return identity.namespace !== own.namespace
    return identity.namespace !== own.namespace && !this.#isLocked(slotOf(home))
  }

  /** True where it cannot be asked. */
  #isLocked(slot: number): boolean {
    return this.#fd === undefined || loadedKernel()?.isLocked(this.#fd, byteOf(slot)) !== false
  }
}
