import { BYTES, entryWords, START, wordsOf } from '../ring/layout.js'
import { BROKEN, FULL, OVER, type Source } from '../ring/ring.js'
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
 * Invariant: the entries from OLDEST up to TAIL are whole, and each one's bytes begin where the last one's end, or at 0. The
 * bytes of those messages do not overlap. Only who has LOCK writes an entry or bytes, and never those of such a message.
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
export interface Broadcast {
  readonly words: Int32Array
  readonly memory: Liveness
  /** The index of the tag. */
  readonly index: number
  readonly capacity: number
  readonly maxSubscribers: number
  /** The index of the first entry. */
  readonly entries: number
  readonly mask: number
  readonly dataWords: number
  readonly lock: Lock
}

/** What of a memory it needs. */
interface Liveness {
  readonly participant: number
  readonly slots: number
  isDead(participant: number): boolean
}

interface Lock {
  lock(): boolean
  unlock(): void
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
    countPublished(topic, tail)
    return 1
  } finally {
    topic.lock.unlock()
  }
}

/** Under LOCK: where a record of so many bytes goes while the messages from `oldest` on are kept. */
function placeFor(topic: Broadcast, oldest: number, tail: number, byteLength: number): number {
  const { words, entries, mask, dataWords } = topic
  const inside = (tail - oldest) >>> 0
  if (inside === topic.capacity) return FULL
  if (inside === 0) return 0
  const needed = wordsOf(byteLength)
  const last = entries + ((tail - 1) & mask) * entryWords
  const firstStart = words[entries + (oldest & mask) * entryWords + START] as number
  const lastStart = words[last + START] as number
  const lastBytes = words[last + BYTES] as number
  const next = lastStart + wordsOf(lastBytes)
  if (firstStart < 0 || lastStart < 0 || lastBytes < 1 || firstStart >= dataWords || next > dataWords) return BROKEN
  if (next <= firstStart) return next + needed <= firstStart ? next : FULL
  if (next + needed <= dataWords) return next
  return needed <= firstStart ? 0 : FULL
}

/** Under LOCK: the entry of a message that is not published yet. */
function writeEntry(topic: Broadcast, number: number, start: number, byteLength: number): void {
  const { words, entries, mask } = topic
  const entry = entries + (number & mask) * entryWords
  words[entry + START] = start
  words[entry + BYTES] = byteLength
}

/** Under LOCK: TAIL moves on by one. From this store on the message is published. */
function countPublished(topic: Broadcast, tail: number): void {
  const { words, index } = topic
  const next = (tail + 1) | 0
  // A predecessor may have died before it could count the half; bit 31 tells.
  const halves = Atomics.load(words, index + TAIL_HALVES)
  if ((halves & 1) !== tail >>> 31) Atomics.store(words, index + TAIL_HALVES, halves + 1)
  Atomics.store(words, index + TAIL, next)
  if ((next ^ tail) < 0) Atomics.store(words, index + TAIL_HALVES, Atomics.load(words, index + TAIL_HALVES) + 1)
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
