import { moveOn } from '../ring/counts.js'
import { type Entries, placeFor, writeEntry } from '../ring/entries.js'
import { BROKEN, FULL, OVER } from '../ring/outcomes.js'
import type { Lock } from '../ring/records.js'
import type { Source } from '../ring/ring.js'
import { CLOSED, FLOOR, OLDEST, TAIL, TAIL_HALVES } from './layout.js'
import { countFree } from './subscribers.js'

/**
 * A ring of records that each of many subscribers reads for itself, in words that threads and processes share; `layout.ts` has
 * them.
 *
 * TAIL is the only truth of what is published: a message is by the one store of TAIL that follows its bytes and its entry. CURSOR
 * is the only truth of what a subscriber has read, and nobody else writes it. A message is overwritten when room is needed
 * and all subscribers that publishers wait for have read it; OLDEST moves past it first. So one who dies in between has
 * published nothing and holds nothing up, and there is nothing to repair: whoever finds a dead one's lock takes it and goes
 * on, whoever is held back by a dead subscriber gives its record back.
 *
 * A subscriber that publishers do not wait for reads without a lock: it copies a message and then looks whether OLDEST has
 * moved past it meanwhile. If it has, what was copied is thrown away unseen.
 *
 * CURSOR against OLDEST and TAIL · POLICY     · a receive
 * CURSOR = TAIL                  · any        · EMPTY, or OVER if CLOSED
 * OLDEST <= CURSOR < TAIL        · any        · goes
 * CURSOR < OLDEST                · WAIT       · cannot be
 * CURSOR < OLDEST                · SKIP       · CURSOR = OLDEST, the difference is lost; then as above
 * CURSOR < OLDEST                · DISCONNECT · CUT_OFF, from now on
 *
 * Invariant: TAIL, OLDEST, FLOOR and CLOSED change under LOCK only, and only grow; OLDEST <= FLOOR <= TAIL <= OLDEST + CAPACITY.
 * Invariant: FLOOR <= CURSOR <= TAIL for each living subscriber that publishers wait for.
 * Invariant: the entries from OLDEST up to TAIL are whole; see `ring/entries.ts`. Only who has LOCK writes an entry or bytes.
 * Invariant: so what was copied of a message that is not before OLDEST afterwards is whole.
 * Invariant: who makes a free record its own has LOCK, and writes PARTICIPANT last. Its owner, and under LOCK whoever finds
 * that it has died, makes it free by the one store of PARTICIPANT.
 * Invariant: no other code runs under a lock.
 * Source: the log buffers of Agrona's broadcast, https://github.com/aeron-io/agrona (BroadcastTransmitter and
 * BroadcastReceiver); for the reader that validates its copy, H.-J. Boehm, "Can Seqlocks Get Along With Programming Language
 * Memory Models?", 2012, https://doi.org/10.1145/2247684.2247688
 * Differs: many publishers under one lock; publishers can be held back; a reader that was overrun several times takes the lock.
 * Boehm's read-don't-modify-write, and an exchange at the publisher, put the copy before its check and the change of OLDEST
 * before the bytes in the memory model of the language, which knows no fences.
 */
export interface Broadcast extends Entries {
  readonly memory: Liveness
  /** The index of the tag. */
  readonly index: number
  readonly maxSubscribers: number
  readonly lock: Lock
}

/** What of a memory it needs. */
interface Liveness {
  readonly participant: number
  readonly slots: number
  isDead(participant: number): boolean
}

/** @returns 1; or {@link FULL}, {@link OVER}, {@link BROKEN} */
export function publish(topic: Broadcast, source: Source): number {
  const { words, index } = topic
  topic.lock.lock()
  try {
    if (Atomics.load(words, index + CLOSED) !== 0) return OVER
    const tail = Atomics.load(words, index + TAIL)
    const first = Atomics.load(words, index + OLDEST)
    if ((tail - first) >>> 0 > topic.capacity) return BROKEN
    let floor = Atomics.load(words, index + FLOOR)
    if ((floor - first) >>> 0 > (tail - first) >>> 0) return BROKEN
    let oldest = first
    let start = placeFor(topic, oldest, tail, source.byteLength)
    while (start === FULL) {
      if (oldest === floor) {
        const free = countFree(topic, oldest, tail)
        if (free <= 0) return free === 0 ? FULL : BROKEN
        floor = (oldest + free) | 0
        Atomics.store(words, index + FLOOR, floor)
      }
      oldest = (oldest + 1) | 0
      start = placeFor(topic, oldest, tail, source.byteLength)
    }
    if (start < 0) return start
    // Before the bytes: whoever reads one of those messages finds out. No store: see above.
    if (oldest !== first) Atomics.exchange(words, index + OLDEST, oldest)
    source.writeAt(start)
    writeEntry(topic, tail, start, source.byteLength)
    moveOn(topic, index + TAIL, index + TAIL_HALVES, tail, 1)
    return 1
  } finally {
    topic.lock.unlock()
  }
}

/** Nothing can be published any more. */
export function close(topic: Broadcast): void {
  const { words, index } = topic
  topic.lock.lock()
  try {
    Atomics.store(words, index + CLOSED, 1)
  } finally {
    topic.lock.unlock()
  }
}
