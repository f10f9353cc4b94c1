import { participantOf } from '@heddle/sync-primitives/building-blocks'
import { CONSUMERS, ENDS, GENERATION, HEAD, PRODUCERS, RECORDS, recordWords, TAIL, TAKEN } from './layout.js'

/**
 * What each participant has to do with a queue: the items that it has taken and not done, and whether it has said that it is a
 * producer or a consumer. The record is the count: what the dead have left does not count from the moment they are dead.
 *
 * bits of ENDS · name          · meaning
 * 0            · HAD_PRODUCERS · somebody has registered as a producer ever
 * 1            · HAD_CONSUMERS · the same as a consumer
 * 2            · PRODUCER_DIED · one that was registered died, and its record is another's by now
 * 3            · CONSUMER_DIED · the same of a consumer
 *
 * Invariant: records and ENDS change under TAKE_LOCK only. A record belongs to the participant of its slot and GENERATION;
 * another one of the slot makes it its own first.
 */
const HAD_PRODUCERS = 1
const HAD_CONSUMERS = 2
const PRODUCER_DIED = 4
const CONSUMER_DIED = 8

/** What of a queue it needs. */
export interface Records {
  readonly words: Int32Array
  /** The index of the tag. */
  readonly index: number
  /** Of this participant. */
  readonly record: number
  readonly generation: number
  readonly takeLock: Lock
}

export interface Lock {
  lock(): boolean
  unlock(): void
}

/** Both sides of a queue, by the word of a record that counts them. */
export type Side = typeof PRODUCERS | typeof CONSUMERS

/** What has become of those who registered on one side. */
const NEVER = 0
const PRESENT = 1
export const LEFT = 2
export const DIED = 3

const mostTaken = 2 ** 31 - 1

/** What of a memory it needs. */
interface Liveness {
  readonly words: Int32Array
  readonly highestSlotIndex: number
  readonly slots: number
  isDead(participant: number): boolean
}

/** Under TAKE_LOCK: this participant has so many more items that are not done. */
export function noteTaken(ring: Records, items: number): void {
  const { words, record } = ring
  if (words[record + GENERATION] !== ring.generation) claimRecord(ring)
  // A queue where nobody says what is done: it stays at the most there can be.
  words[record + TAKEN] = Math.min((words[record + TAKEN] as number) + items, mostTaken)
}

/** Under TAKE_LOCK: makes the record this participant's own. The slot's former participant is dead. */
function claimRecord(ring: Records): void {
  const { words, index, record } = ring
  let ends = words[index + ENDS] as number
  if ((words[record + PRODUCERS] as number) > 0) ends |= PRODUCER_DIED
  if ((words[record + CONSUMERS] as number) > 0) ends |= CONSUMER_DIED
  // In this order: who dies on the way has told it, and is no end any more.
  words[index + ENDS] = ends
  words[record + PRODUCERS] = 0
  words[record + CONSUMERS] = 0
  words[record + TAKEN] = 0
  words[record + GENERATION] = ring.generation
}

/** How many items are not done: those inside, and those that the living have taken. */
export function countUnfinished(ring: Records, memory: Liveness): number {
  ring.takeLock.lock()
  try {
    return unfinished(ring, memory)
  } finally {
    ring.takeLock.unlock()
  }
}

/** Under TAKE_LOCK. */
function unfinished(ring: Records, memory: Liveness): number {
  const { words, index } = ring
  let sum = (Atomics.load(words, index + TAIL) - Atomics.load(words, index + HEAD)) >>> 0
  const last = Math.min(Atomics.load(words, memory.highestSlotIndex), memory.slots)
  for (let slot = 1; slot <= last; slot++) sum += takenBy(ring, memory, slot)
  return sum
}

/** Under TAKE_LOCK: what a slot's participant has taken and not done, if it lives. */
function takenBy(ring: Records, memory: Liveness, slot: number): number {
  const { words } = ring
  const record = ring.index + RECORDS + slot * recordWords
  const taken = words[record + TAKEN] as number
  if (taken <= 0) return 0
  return memory.isDead(participantOf(slot, words[record + GENERATION] as number)) ? 0 : taken
}

/** What {@link finish} comes to. */
export const TOO_MANY = -1
export const ALL_DONE = 0
const SOME_LEFT = 1

/** So many of the items that were taken are done: this participant's own first, then others'. TOO_MANY: nothing was changed. */
export function finish(ring: Records, memory: Liveness, items: number): number {
  const { words, index, record } = ring
  ring.takeLock.lock()
  try {
    const own = words[record + GENERATION] === ring.generation ? (words[record + TAKEN] as number) : 0
    const inside = (Atomics.load(words, index + TAIL) - Atomics.load(words, index + HEAD)) >>> 0
    if (own > items || (own === items && inside > 0)) {
      words[record + TAKEN] = own - items
      return SOME_LEFT
    }
    const taken = unfinished(ring, memory) - inside
    if (taken < items) return TOO_MANY
    let left = items
    if (own > 0) {
      words[record + TAKEN] = own - Math.min(own, left)
      left -= Math.min(own, left)
    }
    for (let slot = 1; left > 0 && slot <= memory.slots; slot++) {
      const theirs = takenBy(ring, memory, slot)
      if (theirs === 0) continue
      words[index + RECORDS + slot * recordWords + TAKEN] = theirs - Math.min(theirs, left)
      left -= Math.min(theirs, left)
    }
    return taken === items && inside === 0 ? ALL_DONE : SOME_LEFT
  } finally {
    ring.takeLock.unlock()
  }
}

/** One more registration of this participant. */
export function register(ring: Records, side: Side): void {
  const { words, index, record } = ring
  ring.takeLock.lock()
  try {
    if (words[record + GENERATION] !== ring.generation) claimRecord(ring)
    words[record + side] = (words[record + side] as number) + 1
    words[index + ENDS] = (words[index + ENDS] as number) | (side === PRODUCERS ? HAD_PRODUCERS : HAD_CONSUMERS)
  } finally {
    ring.takeLock.unlock()
  }
}

/** Takes one registration back. */
export function unregister(ring: Records, side: Side): void {
  const { words, record } = ring
  ring.takeLock.lock()
  try {
    if (words[record + GENERATION] === ring.generation) words[record + side] = (words[record + side] as number) - 1
  } finally {
    ring.takeLock.unlock()
  }
}

/** Whether anybody has registered on this side, and what has become of them. */
export function sideState(ring: Records, memory: Liveness, side: Side): number {
  const { words, index } = ring
  if (((words[index + ENDS] as number) & (side === PRODUCERS ? HAD_PRODUCERS : HAD_CONSUMERS)) === 0) return NEVER
  ring.takeLock.lock()
  try {
    const hasDied = side === PRODUCERS ? PRODUCER_DIED : CONSUMER_DIED
    let state = (words[index + ENDS] as number) & hasDied ? DIED : LEFT
    const last = Math.min(Atomics.load(words, memory.highestSlotIndex), memory.slots)
    for (let slot = 1; slot <= last; slot++) {
      const record = index + RECORDS + slot * recordWords
      if ((words[record + side] as number) <= 0) continue
      if (!memory.isDead(participantOf(slot, words[record + GENERATION] as number))) return PRESENT
      state = DIED
    }
    return state
  } finally {
    ring.takeLock.unlock()
  }
}
