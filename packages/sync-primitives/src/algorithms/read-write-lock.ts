import { generationOf, lastSlot, participantOf, slotOf } from '../memory/participants.js'
import {
  add,
  checkpoint,
  compareExchange,
  EVERYBODY,
  exchange,
  GAVE_UP,
  isDead,
  load,
  notify,
  type Steps,
  wait,
} from '../steps.js'
import {
  acquireMutex,
  markMutexConsistent,
  NOT_RECOVERABLE,
  OWNER_DIED,
  ownedBy,
  ownerOf,
  releaseMutex,
  tryAcquireMutex,
  WAITERS,
} from './mutex.js'

/**
 * The words of a read-write lock.
 *
 * word        · value                      · meaning
 * GATE        · a mutex word               · the writer, or the one reader that may become one; writers queue here
 * WRITER      · 0                          · readers may enter
 *             · participant << 2 | flags   · a writer is inside or waits for the readers to leave: no reader enters
 *             · OWNER_DIED                 · nobody holds it; a writer has died and what it left was not repaired yet
 *             · flag WAITERS               · readers may be asleep here
 *             · flag OWNER_DIED            · the writer has not repaired yet what a dead one left
 *             · flag ENTERED, bit 30       · the writer is inside
 *             · -1 NOT_RECOVERABLE         · it was released unrepaired: nobody enters any more
 * LEFT        · counts up                  · readers that have left while a writer was about; a writer sleeps on it
 * READERS + s · bits 0 to 10  · COUNT      · the entries of the thread in slot s; that thread alone counts
 *             · bits 11 to 30 · GENERATION · whose entries they are
 *             · bit 31        · LOOK       · the thread has to look at WRITER; writers set it, that thread alone clears it
 *
 * Invariant: a writer is inside only after it has set WRITER, then LOOK in every entry, and then seen every count at 0, or its
 * thread dead. A thread clears LOOK only after it has seen WRITER at 0, and sets it again if it then sees another value.
 * Invariant: a reader is inside only while its count is not 0 and, after it had counted itself, LOOK was not set or WRITER was
 * 0; or its thread was inside before. So of a reader and a writer one always sees the other. The entries are the count: no
 * thread can die between two records of one entry.
 * Invariant: whoever holds GATE alone writes WRITER, but for the flag WAITERS. A dead writer without ENTERED and OWNER_DIED has
 * changed nothing, and whoever takes the gate over removes it.
 * Source: one lock per reader, as in the "big reader" locks of Linux 2.4 (include/linux/brlock.h).
 * Differs: a reader that finds no LOOK enters and leaves with one step each; the writer announces itself before it waits, so
 * readers cannot starve it; the entries of the dead do not count.
 *
 * More than 300 lines: every way in and out relies on the same three invariants, and is read and proven with the others.
 */
const GATE = 0
const WRITER = 1
const LEFT = 2
const READERS = 3

const countBits = 11
const countMask = 2 ** countBits - 1
/** One less than fits, so that the one who is too many can count itself before it sees that. */
export const mostEntries = countMask - 1
export const LOOK = -(2 ** 31)
export const countOf = (entry: number): number => entry & countMask
/** Who stands behind the entry of a slot. */
export const readerOf = (slot: number, entry: number): number => participantOf(slot, (entry & ~LOOK) >>> countBits)

export const ENTERED = 2 ** 30
/** Who stands in WRITER, whether it lives or not; 0: nobody. */
export const writerOf = (word: number): number => (word < 0 ? 0 : ownerOf(word & ~ENTERED))
/** Whether the writer in this word has left data behind that nobody has repaired, if it is dead. */
export const leavesDamage = (word: number): boolean => (word & (ENTERED | OWNER_DIED)) !== 0

export const readWriteLockWords = (slots: number): number => READERS + slots
export const gateIndex = (index: number): number => index + GATE
export const writerIndex = (index: number): number => index + WRITER
export const entryIndex = (index: number, slot: number): number => index + READERS + slot - 1
/** The entry of a thread that was never inside: it looks first, since a writer may not have known of it. */
export const newEntry = (participant: number): number => LOOK | (generationOf(participant) << countBits)

export interface ReadWriteWords {
  /** The index of GATE. */
  readonly index: number
  /** The index of the word that holds the highest slot in use. */
  readonly highest: number
}

export type ReadOutcome = 'acquired' | 'owner died' | 'not recoverable' | 'gave up' | 'too many'
type WriteOutcome = 'acquired' | 'owner died' | 'not recoverable' | 'gave up'

/**
 * Enters as a reader, or waits until no writer is inside or waiting.
 *
 * @param nested - enters beside a waiting writer if this thread is inside already: a thread that blocks cannot leave
 */
export function* acquireRead(words: ReadWriteWords, participant: number, nested: boolean): Steps<ReadOutcome> {
  const writerAt = words.index + WRITER
  for (;;) {
    yield checkpoint('acquire read')
    const outcome = yield* tryAcquireRead(words, participant, nested)
    if (outcome !== 'gave up') return outcome
    yield checkpoint('wait to read')
    const writer = yield load(writerAt)
    if (writerOf(writer) === 0) continue
    const contended = writer | WAITERS
    if (writer !== contended && (yield compareExchange(writerAt, writer, contended)) !== writer) continue
    // No wake-up is owed to anybody else on giving up: a writer that leaves wakes all readers.
    if ((yield wait(writerAt, contended)) === GAVE_UP) return 'gave up'
  }
}

/** Enters as a reader unless a writer is inside or waiting. `nested` as for `acquireRead`. */
export function* tryAcquireRead(words: ReadWriteWords, participant: number, nested = false): Steps<ReadOutcome> {
  const { index } = words
  const mine = entryIndex(index, slotOf(participant))
  const before = yield add(mine, 1)
  if (countOf(before) >= mostEntries) {
    yield add(mine, -1)
    return 'too many'
  }
  if ((before & LOOK) === 0) return 'acquired'
  const writer = yield load(index + WRITER)
  if (writer === 0) {
    yield* lookNoMore(index, mine)
    return 'acquired'
  }
  if (nested && countOf(before) > 0) return 'acquired'
  yield* releaseRead(words, participant)
  if (writer === NOT_RECOVERABLE) return 'not recoverable'
  const isAlive = writerOf(writer) !== 0 && !(yield isDead(writerOf(writer)))
  if (isAlive) return 'gave up'
  if (leavesDamage(writer)) return 'owner died'
  // It died while it waited for the readers: nothing is damaged, but it stands there. If somebody else has the gate already,
  // that one removes it.
  if (!(yield* removeDeadWriter(words, participant))) return 'gave up'
  yield checkpoint(['try again to read', nested])
  return yield* tryAcquireRead(words, participant, nested)
}

/** Lets readers in again if a writer has died before it was inside. Returns false if another one has the gate. */
function* removeDeadWriter({ index }: ReadWriteWords, participant: number): Steps<boolean> {
  const gate = yield* tryAcquireMutex(index + GATE, participant)
  if (gate !== 'acquired' && gate !== 'owner died') return false
  if (gate === 'owner died') yield* markMutexConsistent(index + GATE, participant)
  const writer = yield load(index + WRITER)
  // Whoever stands there, behind my gate, has died. Nobody can have left flags alone but by writing where it must not.
  if (writer > 0 && !leavesDamage(writer)) yield* openToReaders(index + WRITER, 0)
  yield* releaseMutex(index + GATE, participant)
  return true
}

/** Clears LOOK, unless a writer comes at this moment. Nobody but this thread relies on it, which enters nowhere meanwhile. */
export function* lookNoMore(index: number, mine: number): Steps<void> {
  const looking = yield load(mine)
  if ((yield compareExchange(mine, looking, looking & ~LOOK)) !== looking) return
  if ((yield load(index + WRITER)) !== 0) yield* makeLook(mine)
}

/** Sets LOOK. Returns the entry. */
function* makeLook(at: number): Steps<number> {
  for (;;) {
    const entry = yield load(at)
    if (entry & LOOK || (yield compareExchange(at, entry, entry | LOOK)) === entry) return entry
  }
}

/** Leaves as a reader. Returns the entry before. */
export function* releaseRead({ index }: ReadWriteWords, participant: number): Steps<number> {
  const before = yield add(entryIndex(index, slotOf(participant)), -1)
  if (before & LOOK) yield* tellWriter(index)
  return before
}

/** Wakes a writer that may be waiting for a reader who has left. */
export function* tellWriter(index: number): Steps<void> {
  if ((yield load(index + WRITER)) === 0) return
  yield add(index + LEFT, 1)
  yield notify(index + LEFT, EVERYBODY)
}

/** Takes the lock for writing, or waits for it: for other writers first, then for the readers that are inside. */
export function* acquireWrite(words: ReadWriteWords, participant: number): Steps<WriteOutcome> {
  const gate = yield* acquireMutex(words.index + GATE, participant)
  if (gate === 'gave up' || gate === 'not recoverable') return gate
  return yield* writeBehindGate(words, participant, gate, true)
}

/** Takes the lock for writing if nobody is inside. */
export function* tryAcquireWrite(words: ReadWriteWords, participant: number): Steps<WriteOutcome> {
  // Looks before it announces itself, so that it does not disturb those who try to read.
  if (yield* hasReaders(words)) return 'gave up'
  const gate = yield* tryAcquireMutex(words.index + GATE, participant)
  if (gate === 'gave up' || gate === 'not recoverable') return gate
  return yield* writeBehindGate(words, participant, gate, false)
}

function* writeBehindGate(
  words: ReadWriteWords,
  participant: number,
  gate: WriteOutcome,
  mayWait: boolean,
): Steps<WriteOutcome> {
  // The gate guards nothing by itself: what a dead writer has left is told by WRITER.
  if (gate === 'owner died') yield* markMutexConsistent(words.index + GATE, participant)
  const outcome = yield* becomeWriter(words, participant, mayWait)
  if (outcome === 'gave up' || outcome === 'not recoverable') yield* releaseMutex(words.index + GATE, participant)
  return outcome
}

/** Goes on when the gate was taken already, and WRITER perhaps, as the fast path does; the former writer left properly. */
export function* finishWrite(words: ReadWriteWords, participant: number): Steps<WriteOutcome> {
  const announced = writerOf(yield load(words.index + WRITER)) === participant
  if (!announced) return yield* writeBehindGate(words, participant, 'acquired', true)
  if (yield* drain(words, true, 0)) {
    yield add(words.index + WRITER, ENTERED)
    return 'acquired'
  }
  yield* openToReaders(words.index + WRITER, 0)
  yield* releaseMutex(words.index + GATE, participant)
  return 'gave up'
}

/** Takes the right to become a writer later, beside readers. */
export function* acquireUpgradableRead(words: ReadWriteWords, participant: number): Steps<WriteOutcome> {
  const gate = yield* acquireMutex(words.index + GATE, participant)
  if (gate === 'gave up' || gate === 'not recoverable') return gate
  return yield* readBehindGate(words, participant, gate)
}

export function* tryAcquireUpgradableRead(words: ReadWriteWords, participant: number): Steps<WriteOutcome> {
  const gate = yield* tryAcquireMutex(words.index + GATE, participant)
  if (gate === 'gave up' || gate === 'not recoverable') return gate
  return yield* readBehindGate(words, participant, gate)
}

function* readBehindGate({ index }: ReadWriteWords, participant: number, gate: WriteOutcome): Steps<WriteOutcome> {
  if (gate === 'owner died') yield* markMutexConsistent(index + GATE, participant)
  const writer = yield load(index + WRITER)
  if (writer === 0) return 'acquired'
  if (writerOf(writer) !== 0 && !leavesDamage(writer)) {
    yield* openToReaders(index + WRITER, 0)
    return 'acquired'
  }
  yield* releaseMutex(index + GATE, participant)
  return writer === NOT_RECOVERABLE ? 'not recoverable' : 'owner died'
}

/** From upgradable reader to writer; 'gave up': it is an upgradable reader as before. */
export function* upgrade(words: ReadWriteWords, participant: number, mayWait: boolean): Steps<WriteOutcome> {
  return yield* becomeWriter(words, participant, mayWait)
}

/** Behind the gate: keeps new readers out, then waits for those inside. */
function* becomeWriter(words: ReadWriteWords, participant: number, mayWait: boolean): Steps<WriteOutcome> {
  const writerAt = words.index + WRITER
  let writer: number
  let mine: number
  do {
    writer = yield load(writerAt)
    if (writer === NOT_RECOVERABLE) return 'not recoverable'
    // Whoever stands in WRITER, behind my gate, has died: or has left OWNER_DIED alone there.
    mine = ownedBy(participant) | (writer & WAITERS) | (leavesDamage(writer) ? OWNER_DIED : 0)
  } while ((yield compareExchange(writerAt, writer, mine)) !== writer)
  if (yield* drain(words, mayWait, mine & OWNER_DIED)) {
    yield add(writerAt, ENTERED)
    return mine & OWNER_DIED ? 'owner died' : 'acquired'
  }
  yield* openToReaders(writerAt, mine & OWNER_DIED)
  return 'gave up'
}

/** After WRITER was set: waits until all readers have left. Returns false if it had to give up. */
function* drain({ index, highest }: ReadWriteWords, mayWait: boolean, died: number): Steps<boolean> {
  // A thread with a higher slot than this comes later, and looks at WRITER first.
  const last = lastSlot(yield load(highest))
  for (let slot = 1; slot <= last; slot++) {
    const at = entryIndex(index, slot)
    yield* makeLook(at)
    for (;;) {
      yield checkpoint(['drain', slot, mayWait, died])
      const left = yield load(index + LEFT)
      const entry = yield load(at)
      if (countOf(entry) === 0 || (yield isDead(readerOf(slot, entry)))) break
      if (!mayWait || (yield wait(index + LEFT, left)) === GAVE_UP) return false
    }
  }
  return true
}

/** Whether a reader who lives is inside. */
function* hasReaders({ index, highest }: ReadWriteWords): Steps<boolean> {
  const last = lastSlot(yield load(highest))
  for (let slot = 1; slot <= last; slot++) {
    const entry = yield load(entryIndex(index, slot))
    if (countOf(entry) > 0 && !(yield isDead(readerOf(slot, entry)))) return true
  }
  return false
}

/** Behind the gate: WRITER is nobody's any more. `left` is what it says instead. */
function* openToReaders(writerAt: number, left: number): Steps<void> {
  if ((yield exchange(writerAt, left)) & WAITERS) yield notify(writerAt, EVERYBODY)
}

/** Leaves as the writer. Returns whether it was the writer. */
export function* releaseWrite({ index }: ReadWriteWords, participant: number): Steps<boolean> {
  const writer = yield load(index + WRITER)
  if (writerOf(writer) !== participant) return false
  yield* openToReaders(index + WRITER, writer & OWNER_DIED ? NOT_RECOVERABLE : 0)
  yield* releaseMutex(index + GATE, participant)
  return true
}

/** From writer to reader, with no other writer in between. The data must be consistent. */
export function* downgradeWrite({ index }: ReadWriteWords, participant: number): Steps<void> {
  yield* enterBehindGate(index, participant)
  yield* openToReaders(index + WRITER, 0)
  yield* releaseMutex(index + GATE, participant)
}

/** From upgradable reader to reader. */
export function* downgradeUpgradable({ index }: ReadWriteWords, participant: number): Steps<void> {
  yield* enterBehindGate(index, participant)
  yield* releaseMutex(index + GATE, participant)
}

function* enterBehindGate(index: number, participant: number): Steps<void> {
  yield add(entryIndex(index, slotOf(participant)), 1)
}

/** Leaves as an upgradable reader. Returns whether it was one. */
export function* releaseUpgradable({ index }: ReadWriteWords, participant: number): Steps<boolean> {
  return yield* releaseMutex(index + GATE, participant)
}

/** The writer says that the data is sound again after another writer's death. */
export function* markWriteConsistent({ index }: ReadWriteWords, participant: number): Steps<void> {
  for (;;) {
    const seen = yield load(index + WRITER)
    if (writerOf(seen) !== participant || !(seen & OWNER_DIED)) return
    if ((yield compareExchange(index + WRITER, seen, seen & ~OWNER_DIED)) === seen) return
  }
}
