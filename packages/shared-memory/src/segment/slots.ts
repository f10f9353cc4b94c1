import { compareExchange, isDead, load, type Steps, store } from '@heddle/sync-primitives/building-blocks'

/**
 * The words of a segment's table of participants, and the steps by which a thread takes a slot of it.
 *
 * A participant is a number of 28 bits: slot (8 bits, 1 to 255) | generation << 8 (20 bits). Lock words hold it.
 *
 * words of a slot · name       · meaning
 * 0               · STATE      · state | generation << 2; 0 FREE, 1 JOINING, 2 ALIVE, 3 ENDED
 * 1               · PROCESS_ID · of the thread's process
 * 2               · NATIVE_ID  · the kernel's id of the thread
 * 3               · STARTED    · when the kernel started it, so that a reused id is told apart
 * 4               · NAMESPACE  · the process-id namespace in which the ids mean something
 * 5               · THREAD_ID  · `worker_threads.threadId`
 * 6               · LOCKED     · 1: the thread holds the slot's byte of the file by a lock that the kernel takes back when it ends
 * 7               · HOME       · the participant, of the same process, whose mapping this thread uses; 0: its own
 * 8               · AWAITED    · the owner word of the mutex that this thread blocks for without a limit; 0: none
 * 9               · CLAIM      · the native id of the thread that is taking the slot; 0: nobody is
 * 10              · ARMED      · the word for which the thread's event loop wants its bell rung; -1: any; 0: none
 * 11              · BELL       · generation + 1 of the participant that has a bell; else there is none
 *
 * Slot 0 is never given out: its STATE is the highest slot that was ever taken.
 *
 * Invariant: a participant is never given out twice before its slot was taken 1,048,576 times.
 * Invariant: what a thread wrote under its participant stays readable as its own after the slot has a new owner, since the
 * generations differ. So a slot is free again as soon as its thread has ended, and nothing needs to be swept first.
 * Invariant: whoever has its id in CLAIM alone writes the slot, but for the step from ALIVE to ENDED, and ARMED. A claim whose
 * thread has ended is taken over.
 * Invariant: unknown is never ended. A thread counts as ended when the kernel has freed its byte, or says that it is gone. A
 * zombie has ended, a stopped process has not.
 * Source: open-file-description locks, https://man7.org/linux/man-pages/man2/fcntl.2.html
 */
export const STATE = 0
export const PROCESS_ID = 1
export const NATIVE_ID = 2
export const STARTED = 3
export const NAMESPACE = 4
export const THREAD_ID = 5
export const LOCKED = 6
export const HOME = 7
export const AWAITED = 8
const CLAIM = 9
export const ARMED = 10
export const BELL = 11
export const wordsPerSlot = 16

export const FREE = 0
export const JOINING = 1
export const ALIVE = 2
export const ENDED = 3
const stateMask = 3
const generations = 2 ** 20

export const stateOf = (word: number): number => word & stateMask
export const slotGeneration = (word: number): number => word >>> 2
export const stateWord = (generation: number, state: number): number => (generation << 2) | state

/** How a thread enters a table. */
export interface Joiner {
  /** The index of the table's slot 0. */
  readonly table: number
  readonly slots: number
  readonly nativeId: number
  /** Words of the slot and what the thread writes there. */
  readonly identity: ReadonlyMap<number, number>
}

export interface Taken {
  readonly slot: number
  readonly generation: number
}

export const slotAt = (table: number, slot: number): number => table + slot * wordsPerSlot

/**
 * Takes the first slot that is in this state.
 *
 * `isDead` is asked about native ids here.
 *
 * @param reserve - has the kernel's word that the slot is nobody's; false: it is not to be had
 */
export function* takeSlot(
  joiner: Joiner,
  wanted: number,
  reserve: (slot: number) => boolean,
): Steps<Taken | undefined> {
  const { table, slots, nativeId } = joiner
  for (let slot = 1; slot <= slots; slot++) {
    const at = slotAt(table, slot)
    if (stateOf(yield load(at + STATE)) !== wanted || !(yield* claim(at, nativeId))) continue
    const seen = yield load(at + STATE)
    const free = stateOf(seen) !== ALIVE && reserve(slot)
    const generation = (slotGeneration(seen) + 1) % generations
    if (free) yield* fill(joiner, slot, generation)
    yield store(at + CLAIM, 0)
    if (free) return { slot, generation }
  }
  return undefined
}

/** Takes the right to write the slot, also from one who had it and has ended. */
function* claim(at: number, nativeId: number): Steps<boolean> {
  const seen = yield load(at + CLAIM)
  if (seen !== 0 && seen !== nativeId && !(yield isDead(seen))) return false
  return (yield compareExchange(at + CLAIM, seen, nativeId)) === seen
}

function* fill({ table, identity }: Joiner, slot: number, generation: number): Steps<void> {
  const at = slotAt(table, slot)
  yield store(at + STATE, stateWord(generation, JOINING))
  for (const [word, value] of identity) yield store(at + word, value)
  // Before the thread does anything else in this memory: whoever looks at all slots up to the highest looks at it.
  for (;;) {
    const highest = yield load(table + STATE)
    if (highest >= slot || (yield compareExchange(table + STATE, highest, slot)) === highest) break
  }
  yield store(at + STATE, stateWord(generation, ALIVE))
}

/** Marks a thread that has ended. `seen` is the slot's STATE from before the kernel was asked. */
export function* markEnded(table: number, slot: number, seen: number): Steps<void> {
  // Compared as a whole: another thread may have reclaimed the slot, and somebody new may be in it by now.
  yield compareExchange(slotAt(table, slot) + STATE, seen, (seen & ~stateMask) | ENDED)
}
