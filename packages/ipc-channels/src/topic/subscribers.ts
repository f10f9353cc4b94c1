import { slotOf } from '@heddle/sync-primitives/building-blocks'
import { BROKEN } from '../ring/outcomes.js'
import type { Broadcast } from './broadcast.js'
import { CURSOR, OLDEST, PARTICIPANT, POLICY, SUBSCRIBERS, subscriberWords, TAIL, WAIT } from './layout.js'
import { countAll, type Subscriber } from './reading.js'

/** No record of a subscriber is free. */
export const NO_RECORD = -7
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

/**
 * Under LOCK: how many messages from `oldest` on were read by all whom publishers wait for. The dead are not waited for.
 *
 * @returns 0 or more; or {@link BROKEN}
 */
export function countFree(topic: Broadcast, oldest: number, tail: number): number {
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
