import { readCount } from '../ring/counts.js'
import { isInside } from '../ring/entries.js'
import { BYTES, entryWords, START } from '../ring/layout.js'
import { BROKEN, DAMAGED, EMPTY, OVER } from '../ring/outcomes.js'
import type { Target } from '../ring/ring.js'
import type { Broadcast } from './broadcast.js'
import { CLOSED, CURSOR, DISCONNECT, OLDEST, TAIL, TAIL_HALVES, WAIT } from './layout.js'

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
/** What was copied is not whole. */
const OVERRUN = -8

/** How often a reader that is overrun tries again before it holds the publishers up for one copy. */
const mostAttempts = 4

/** How many messages were published: TAIL as a count that does not go round. */
export function countAll(topic: Broadcast): number {
  return readCount(topic, topic.index + TAIL, topic.index + TAIL_HALVES)
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
  // It changes nothing, and is no load: see `broadcast.ts`.
  const oldest = Atomics.add(words, index + OLDEST, 0)
  if (countAll(topic) - subscriber.cursor > topic.capacity) return true
  return ((oldest - subscriber.cursor) | 0) > 0
}
