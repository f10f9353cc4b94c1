import { NOT_RECOVERABLE, OWNER_DIED, ownerOf, WAITERS } from '../algorithms/mutex.js'
import {
  countOf,
  entryIndex,
  gateIndex,
  leavesDamage,
  type ReadWriteWords,
  readerOf,
  writerIndex,
  writerOf,
} from '../algorithms/read-write-lock.js'
import { throwIfClosed } from '../memory/closed.js'
import type { Memory } from '../memory/memory.js'
import { lastSlot } from '../memory/participants.js'
import type { LockOwner } from './mutex-core.js'

/** Who is inside a read-write lock, and who waits: a snapshot. */
export interface ReadWriteLockState {
  /** How many readers are inside, in all threads; an upgradable one does not count. */
  readonly readers: number
  /** Who writes, or waits for the readers to leave. */
  readonly writer: LockOwner | undefined
  /** Who holds an upgradable read, or is about to write. */
  readonly upgradableReader: LockOwner | undefined
  /** Whether readers or writers may be waiting, in any thread. */
  readonly contended: boolean
  /** How many tasks of this thread wait. */
  readonly waitingHere: number
  /** Whether a writer has died inside, and nobody has said since that the data is consistent. */
  readonly ownerDied: boolean
  /** False: the lock was released after a writer's death without being marked consistent, and nobody enters any more. */
  readonly recoverable: boolean
}

/** @param waitingHere - how many tasks of this thread wait */
export function stateOf(memory: Memory, { index, highest }: ReadWriteWords, waitingHere: number): ReadWriteLockState {
  const { words } = memory
  const writerWord = Atomics.load(words, writerIndex(index))
  const gateWord = Atomics.load(words, gateIndex(index))
  let readers = 0
  const last = lastSlot(Atomics.load(words, highest))
  for (let slot = 1; slot <= last; slot++) {
    const entry = Atomics.load(words, entryIndex(index, slot))
    if (countOf(entry) > 0 && !memory.isDead(readerOf(slot, entry))) readers += countOf(entry)
  }
  const writer = lockOwner(memory, writerOf(writerWord))
  const upgradableReader = writerWord === 0 ? lockOwner(memory, ownerOf(gateWord)) : undefined
  throwIfClosed(memory)
  const lost = writerWord === NOT_RECOVERABLE
  return {
    readers,
    writer,
    upgradableReader,
    // A writer beside readers waits for them to leave.
    contended: !lost && (((writerWord | gateWord) & WAITERS) !== 0 || (writer?.alive === true && readers > 0)),
    waitingHere,
    ownerDied: lost || (writerWord & OWNER_DIED) !== 0 || (writer?.alive === false && leavesDamage(writerWord)),
    recoverable: !lost,
  }
}

function lockOwner(memory: Memory, owner: number): LockOwner | undefined {
  return owner === 0 ? undefined : { threadId: memory.threadIdOf(owner), alive: !memory.isDead(owner) }
}
