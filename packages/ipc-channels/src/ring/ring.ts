import { moveOn } from './counts.js'
import { type Entries, isInside, placeFor, writeEntry } from './entries.js'
import {
  BYTES,
  CLOSED,
  entryWords,
  HEAD,
  HEAD_HALVES,
  KNOWN_HEAD,
  KNOWN_TAIL,
  START,
  TAIL,
  TAIL_HALVES,
} from './layout.js'
import { BROKEN, DAMAGED, EMPTY, OVER } from './outcomes.js'
import { type Lock, noteTaken, type Records } from './records.js'

/**
 * A bounded first-in-first-out ring of records of any length, in words that threads and processes share; `layout.ts` has them.
 *
 * TAIL and HEAD are the only truth: how many items were put, and how many were taken. An item is put by the one store of TAIL
 * that follows its bytes and its entry, and taken by the one store of HEAD that follows the copy of them. So one who dies in
 * between has done nothing, and there is nothing to repair: whoever finds a dead one's lock takes it and goes on.
 *
 * CLOSED · TAIL − HEAD  · a put        · a take
 * 0      · 0            · goes         · EMPTY
 * 0      · 1…CAPACITY−1 · goes if its bytes have room, else FULL · goes
 * 0      · CAPACITY     · FULL         · goes
 * 1      · 1…CAPACITY   · OVER         · goes
 * 1      · 0            · OVER         · OVER
 *
 * Invariant: TAIL and CLOSED change under PUT_LOCK only, HEAD and the records under TAKE_LOCK only; 0 <= TAIL − HEAD <= CAPACITY.
 * Invariant: the entries from HEAD up to TAIL are whole; see `entries.ts`. Only who has PUT_LOCK writes an entry or bytes.
 * Invariant: KNOWN_HEAD <= HEAD, and changes under PUT_LOCK only; HEAD <= KNOWN_TAIL <= TAIL, and changes under TAKE_LOCK only. So
 * the two sides touch each other's lines once in a while and not for each item.
 * Invariant: no other code runs under a lock.
 * Invariant: who has both locks took TAKE_LOCK first.
 * Source: the two locks of M. M. Michael and M. L. Scott, "Simple, Fast, and Practical Non-Blocking and Blocking Concurrent
 * Queue Algorithms", 1996, https://doi.org/10.1145/248052.248106
 * Differs: bounded, with counts in place of links, and with records that begin at 0 when they do not fit before the end, as in
 * the ring buffers of Agrona. Whatever is written below is also what the model checker runs: test/model turns each access to
 * `words`, and each call of a lock, into a step.
 */
export interface Ring extends Entries, Records {
  readonly putLock: Lock
}

/** An item on its way into the ring. */
export interface Source {
  readonly byteLength: number
  /** Copies the bytes to where they belong: from this word of the data on. */
  writeAt(start: number): void
}

/** Several items on their way into the ring. */
export interface Sources {
  readonly length: number
  /** The one with this number; it holds until another one is asked for. */
  at(index: number): Source
}

/** Where an item's bytes go on their way out. */
export interface Target {
  /** Copies so many bytes from this word of the data on. */
  readFrom(start: number, byteLength: number): void
}

/** @returns 1; or {@link FULL}, {@link OVER}, {@link BROKEN} */
export function put(ring: Ring, source: Source): number {
  const { words, index } = ring
  ring.putLock.lock()
  try {
    if (Atomics.load(words, index + CLOSED) !== 0) return OVER
    const tail = Atomics.load(words, index + TAIL)
    const start = findPlace(ring, tail, source.byteLength)
    if (start < 0) return start
    source.writeAt(start)
    writeEntry(ring, tail, start, source.byteLength)
    moveOn(ring, index + TAIL, index + TAIL_HALVES, tail, 1)
    return 1
  } finally {
    ring.putLock.unlock()
  }
}

/**
 * Puts the first ones, as many as have room, at one moment.
 *
 * @returns how many; or {@link FULL}, {@link OVER}, {@link BROKEN}
 */
export function putMany(ring: Ring, sources: Sources): number {
  const { words, index } = ring
  ring.putLock.lock()
  try {
    if (Atomics.load(words, index + CLOSED) !== 0) return OVER
    const tail = Atomics.load(words, index + TAIL)
    let done = 0
    while (done < sources.length) {
      const source = sources.at(done)
      const start = findPlace(ring, (tail + done) | 0, source.byteLength)
      if (start < 0 && done === 0) return start
      if (start < 0) break
      source.writeAt(start)
      writeEntry(ring, (tail + done) | 0, start, source.byteLength)
      done += 1
    }
    moveOn(ring, index + TAIL, index + TAIL_HALVES, tail, done)
    return done
  } finally {
    ring.putLock.unlock()
  }
}

/** Under PUT_LOCK: where the record of the next item goes. It looks at the other side's HEAD only when it must. */
function findPlace(ring: Ring, tail: number, byteLength: number): number {
  const { words, index } = ring
  const place = placeFor(ring, words[index + KNOWN_HEAD] as number, tail, byteLength)
  if (place >= 0) return place
  const head = Atomics.load(words, index + HEAD)
  words[index + KNOWN_HEAD] = head
  return placeFor(ring, head, tail, byteLength)
}

/**
 * Takes the oldest item.
 *
 * @returns the length of its bytes; or {@link EMPTY}, {@link OVER}, {@link BROKEN}, {@link DAMAGED}
 */
export function take(ring: Ring, target: Target): number {
  const { words, index, entries, mask } = ring
  ring.takeLock.lock()
  try {
    const head = Atomics.load(words, index + HEAD)
    let inside = ((words[index + KNOWN_TAIL] as number) - head) >>> 0
    if (inside === 0 || inside > ring.capacity) {
      // In this order: what was put before it was closed is seen.
      const closed = Atomics.load(words, index + CLOSED)
      inside = lookInside(ring)
      if (inside === 0) return closed === 0 ? EMPTY : OVER
      if (inside > ring.capacity) return BROKEN
    }
    const entry = entries + (head & mask) * entryWords
    const start = words[entry + START] as number
    const byteLength = words[entry + BYTES] as number
    const isWhole = isInside(ring, start, byteLength)
    if (isWhole) {
      target.readFrom(start, byteLength)
      noteTaken(ring, 1)
    }
    moveOn(ring, index + HEAD, index + HEAD_HALVES, head, 1)
    return isWhole ? byteLength : DAMAGED
  } finally {
    ring.takeLock.unlock()
  }
}

/** Where the bytes of several items go on their way out, of whom is said first how many bytes they are. */
export interface ManyTarget extends Target {
  /** Called first, once. It may throw; nothing is taken then. */
  prepare(items: number, byteLength: number): void
}

/**
 * Takes the oldest items, up to `most`, at one moment.
 *
 * @returns how many; or {@link EMPTY}, {@link OVER}, {@link BROKEN}, {@link DAMAGED}: the first one, and it alone is gone
 */
export function takeMany(ring: Ring, target: ManyTarget, most: number): number {
  const { words, index } = ring
  ring.takeLock.lock()
  try {
    const closed = Atomics.load(words, index + CLOSED)
    const inside = lookInside(ring)
    if (inside === 0) return closed === 0 ? EMPTY : OVER
    if (inside > ring.capacity) return BROKEN
    return takeSome(ring, target, Math.min(inside, most))
  } finally {
    ring.takeLock.unlock()
  }
}

/** Closes the ring, and takes all that is inside at the same moment. @returns as {@link takeMany} */
export function takeAllAndClose(ring: Ring, target: ManyTarget): number {
  ring.takeLock.lock()
  try {
    close(ring)
    const inside = lookInside(ring)
    if (inside === 0) return OVER
    if (inside > ring.capacity) return BROKEN
    return takeSome(ring, target, inside)
  } finally {
    ring.takeLock.unlock()
  }
}

/** Under TAKE_LOCK: how many items are inside now. */
function lookInside(ring: Ring): number {
  const { words, index } = ring
  const tail = Atomics.load(words, index + TAIL)
  words[index + KNOWN_TAIL] = tail
  return (tail - Atomics.load(words, index + HEAD)) >>> 0
}

/** Under TAKE_LOCK: takes the oldest items, as many as are whole. */
function takeSome(ring: Ring, target: ManyTarget, most: number): number {
  const { words, index, entries, mask } = ring
  const head = Atomics.load(words, index + HEAD)
  let whole = 0
  let byteLength = 0
  for (; whole < most; whole++) {
    const entry = entries + ((head + whole) & mask) * entryWords
    if (!isInside(ring, words[entry + START] as number, words[entry + BYTES] as number)) break
    byteLength += words[entry + BYTES] as number
  }
  if (whole > 0) target.prepare(whole, byteLength)
  for (let item = 0; item < whole; item++) {
    const entry = entries + ((head + item) & mask) * entryWords
    target.readFrom(words[entry + START] as number, words[entry + BYTES] as number)
  }
  if (whole > 0) noteTaken(ring, whole)
  moveOn(ring, index + HEAD, index + HEAD_HALVES, head, Math.max(whole, 1))
  return whole > 0 ? whole : DAMAGED
}

/** Nothing can be put any more. */
export function close(ring: Ring): void {
  const { words, index } = ring
  ring.putLock.lock()
  try {
    Atomics.store(words, index + CLOSED, 1)
  } finally {
    ring.putLock.unlock()
  }
}
