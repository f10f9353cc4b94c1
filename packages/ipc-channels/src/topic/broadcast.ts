import { slotOf } from '@heddle/sync-primitives/building-blocks'
import { BYTES, entryWords, START, wordsOf } from '../ring/layout.js'
import { BROKEN, DAMAGED, EMPTY, FULL, OVER, type Source, type Target } from '../ring/ring.js'
import {
  CLOSED,
  CURSOR,
  DISCONNECT,
  FLOOR,
  OLDEST,
  PARTICIPANT,
  POLICY,
  SUBSCRIBERS,
  subscriberWords,
  TAIL,
  TAIL_HALVES,
  WAIT,
} from './layout.js'

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

/** One subscriber, as its own thread knows it. */
export interface Subscriber {
  /** The index of its record. */
  readonly record: number
  readonly policy: number
  /** The message that it reads next, as a count that does not go round. */
  cursor: number
  /** How many messages were overwritten before it had read them. */
  lost: number
}

/** Too slow, and cut off for it. */
export const CUT_OFF = -6
/** No record of a subscriber is free. */
export const NO_RECORD = -7
/** What was copied is not whole. */
const OVERRUN = -8

/** How often a reader that is overrun tries again before it holds the publishers up for one copy. */
const mostAttempts = 4

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

/**
 * Under LOCK: how many messages from `oldest` on were read by all whom publishers wait for. The dead are not waited for.
 *
 * @returns 0 or more; or {@link BROKEN}
 */
function countFree(topic: Broadcast, oldest: number, tail: number): number {
  const { words, index } = topic
  const inside = (tail - oldest) >>> 0
  let free = inside
  for (let subscriber = 0; subscriber < topic.maxSubscribers; subscriber++) {
    const record = index + SUBSCRIBERS + subscriber * subscriberWords
    const participant = Atomics.load(words, record + PARTICIPANT)
    if (participant === 0 || Atomics.load(words, record + POLICY) !== WAIT) continue
    const read = (Atomics.load(words, record + CURSOR) - oldest) >>> 0
    if (read > inside || !isPossible(topic, participant)) return BROKEN
    if (read > 0) free = Math.min(free, read)
    else if (topic.memory.isDead(participant)) Atomics.store(words, record + PARTICIPANT, 0)
    else return 0
  }
  return free
}

function isPossible(topic: Broadcast, participant: number): boolean {
  const slot = slotOf(participant)
  return slot > 0 && slot <= topic.memory.slots
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

/** How many messages were published: TAIL as a count that does not go round. */
export function countAll(topic: Broadcast): number {
  const { words, index } = topic
  let halves = Atomics.load(words, index + TAIL_HALVES)
  for (;;) {
    const tail = Atomics.load(words, index + TAIL)
    // Whoever is stopped between the two for long must not take one half for another.
    const again = Atomics.load(words, index + TAIL_HALVES)
    if (again === halves) return (halves + (((halves & 1) ^ (tail >>> 31)) & 1)) * 2 ** 31 + (tail & 0x7fff_ffff)
    halves = again
  }
}

/**
 * Reads the subscriber's next message.
 *
 * @returns the length of its bytes; or {@link EMPTY}, {@link OVER}, {@link CUT_OFF}, {@link BROKEN}, {@link DAMAGED}: the
 * message is passed over
 */
export function receive(topic: Broadcast, subscriber: Subscriber, target: Target): number {
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const found = copyNext(topic, subscriber, target)
    if (found !== OVERRUN) return found
  }
  // The publishers are as fast as the copy. Nothing is overwritten while they stand still.
  topic.lock.lock()
  try {
    const found = copyNext(topic, subscriber, target)
    return found === OVERRUN ? BROKEN : found
  } finally {
    topic.lock.unlock()
  }
}

/** @returns as {@link receive}; or {@link OVERRUN}, which changes nothing but what is lost */
function copyNext(topic: Broadcast, subscriber: Subscriber, target: Target): number {
  const { words, index, entries, mask } = topic
  const { record, policy } = subscriber
  // In this order: what was published before it was closed is seen, and TAIL is not before OLDEST.
  const closed = Atomics.load(words, index + CLOSED)
  const oldest = Atomics.load(words, index + OLDEST)
  const tail = countAll(topic)
  const kept = ((tail | 0) - oldest) >>> 0
  const missed = tail - subscriber.cursor - kept
  if (subscriber.cursor > tail || (missed > 0 && policy === WAIT)) return BROKEN
  if (missed > 0) {
    subscriber.lost += missed
    subscriber.cursor += missed
    Atomics.store(words, record + CURSOR, subscriber.cursor | 0)
    if (policy === DISCONNECT) return CUT_OFF
  }
  if (subscriber.cursor === tail) return closed === 0 ? EMPTY : OVER
  const entry = entries + (subscriber.cursor & mask) * entryWords
  const start = words[entry + START] as number
  const byteLength = words[entry + BYTES] as number
  const isWhole = isInside(topic, start, byteLength)
  if (isWhole) target.readFrom(start, byteLength)
  if (policy !== WAIT && isOverrun(topic, subscriber)) return OVERRUN
  subscriber.cursor += 1
  // From this store on, publishers do not wait for it any more.
  Atomics.store(words, record + CURSOR, subscriber.cursor | 0)
  return isWhole ? byteLength : DAMAGED
}

/** Whether the message that was copied may have been overwritten meanwhile. */
function isOverrun(topic: Broadcast, subscriber: Subscriber): boolean {
  const { words, index } = topic
  // It changes nothing, and is no load: see above.
  const oldest = Atomics.add(words, index + OLDEST, 0)
  if (countAll(topic) - subscriber.cursor > topic.capacity) return true
  return ((oldest - subscriber.cursor) | 0) > 0
}

/**
 * A new subscriber, of this participant. It reads what is published from now on.
 *
 * @returns {@link NO_RECORD} or {@link BROKEN} if there can be none
 */
export function subscribe(topic: Broadcast, policy: number): Subscriber | number {
  const { words } = topic
  topic.lock.lock()
  try {
    const record = findRecord(topic)
    if (record < 0) return record
    const cursor = countAll(topic)
    Atomics.store(words, record + CURSOR, cursor | 0)
    Atomics.store(words, record + POLICY, policy)
    Atomics.store(words, record + PARTICIPANT, topic.memory.participant)
    return { record, policy, cursor, lost: 0 }
  } finally {
    topic.lock.unlock()
  }
}

/** Under LOCK: a record that is nobody's, or a dead one's. */
function findRecord(topic: Broadcast): number {
  const { words, index } = topic
  for (let subscriber = 0; subscriber < topic.maxSubscribers; subscriber++) {
    const record = index + SUBSCRIBERS + subscriber * subscriberWords
    if (Atomics.load(words, record + PARTICIPANT) === 0) return record
  }
  for (let subscriber = 0; subscriber < topic.maxSubscribers; subscriber++) {
    const record = index + SUBSCRIBERS + subscriber * subscriberWords
    const participant = Atomics.load(words, record + PARTICIPANT)
    // It may have been given back meanwhile.
    if (participant === 0) return record
    if (!isPossible(topic, participant)) return BROKEN
    if (topic.memory.isDead(participant)) {
      Atomics.store(words, record + PARTICIPANT, 0)
      return record
    }
  }
  return NO_RECORD
}

/** Gives the record back. Its owner does, who reads no more. */
export function unsubscribe(topic: Broadcast, subscriber: Subscriber): void {
  const { words, memory } = topic
  Atomics.compareExchange(words, subscriber.record + PARTICIPANT, memory.participant, 0)
}

/**
 * Whether publishers may wait for nobody else: no other subscriber has still to read the message that this one has just read.
 * Of several that read it at the same time, at least the last one finds so.
 */
export function isLastReader(topic: Broadcast, subscriber: Subscriber): boolean {
  const { words, index } = topic
  for (let other = 0; other < topic.maxSubscribers; other++) {
    const record = index + SUBSCRIBERS + other * subscriberWords
    if (Atomics.load(words, record + PARTICIPANT) === 0 || Atomics.load(words, record + POLICY) !== WAIT) continue
    if (((Atomics.load(words, record + CURSOR) - subscriber.cursor) | 0) < 0) return false
  }
  return true
}

/** Living subscribers, and how many messages the slowest of them has still to read. */
export function census(topic: Broadcast): { readonly subscribers: number; readonly pending: number } {
  const { words, index } = topic
  topic.lock.lock()
  try {
    const tail = Atomics.load(words, index + TAIL)
    const kept = (tail - Atomics.load(words, index + OLDEST)) >>> 0
    let subscribers = 0
    let pending = 0
    for (let subscriber = 0; subscriber < topic.maxSubscribers; subscriber++) {
      const record = index + SUBSCRIBERS + subscriber * subscriberWords
      const participant = Atomics.load(words, record + PARTICIPANT)
      const cursor = Atomics.load(words, record + CURSOR)
      if (participant === 0 || !isPossible(topic, participant) || topic.memory.isDead(participant)) continue
      subscribers += 1
      pending = Math.max(pending, Math.min(kept, (tail - cursor) >>> 0))
    }
    return { subscribers, pending }
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

function isInside(topic: Broadcast, start: number, byteLength: number): boolean {
  return start >= 0 && byteLength > 0 && start + wordsOf(byteLength) <= topic.dataWords
}
