import type { Memory } from '@heddle/sync-primitives'
import { badHandle, EVERYBODY, InnerLock, type Place } from '@heddle/sync-primitives/building-blocks'
import { mostCapacity, mostCapacityBytes, wordsOf } from '../ring/layout.js'
import type { Source, Target } from '../ring/ring.js'
import { copyToScratch, type Writable } from '../ring/scratch.js'
import { signal, signalEverybody } from '../ring/signal.js'
import { sizeCheck } from '../ring/size-check.js'
import { type Broadcast, close, publish } from './broadcast.js'
import {
  CAPACITY,
  CAPACITY_BYTES,
  CLOSED,
  ERRORS,
  LOCK,
  LOST,
  MESSAGES,
  MOST_SUBSCRIBERS,
  mostMaxSubscribers,
  OLDEST,
  ROOM,
  SIZE_CHECK,
  topicPartsOf,
  WAIT,
} from './layout.js'
import { countAll, receive, type Subscriber } from './reading.js'
import { isLastReader, subscribe, unsubscribe } from './subscribers.js'

export interface TopicSizes {
  readonly capacity: number
  readonly capacityBytes: number
  readonly maxSubscribers: number
}

/** One topic's words in a memory, as this thread sees them, with its messages as bytes. It wakes those who sleep. */
export class SharedTopic implements Broadcast, Source, Target {
  readonly memory: Memory
  readonly words: Int32Array
  readonly index: number
  readonly capacity: number
  readonly capacityBytes: number
  readonly maxSubscribers: number
  readonly entries: number
  readonly mask: number
  readonly dataWords: number
  readonly lock: InnerLock
  /** The words on which threads sleep. */
  readonly messages: number
  readonly room: number
  readonly #data: number
  readonly #bytes: Uint8Array
  /** What is being published: this thread publishes one at a time. */
  #message: Writable | undefined

  /** @throws TypeError `ERR_BAD_HANDLE`: the words hold no topic, or not all of it */
  constructor({ memory, index }: Place) {
    const { words } = memory
    const capacity = Atomics.load(words, index + CAPACITY)
    const capacityBytes = Atomics.load(words, index + CAPACITY_BYTES)
    const maxSubscribers = Atomics.load(words, index + MOST_SUBSCRIBERS)
    const isPossible =
      isFrom1To(mostCapacity, capacity) &&
      isFrom1To(mostCapacityBytes, capacityBytes) &&
      isFrom1To(mostMaxSubscribers, maxSubscribers) &&
      Atomics.load(words, index + SIZE_CHECK) === sizeCheck(capacity, capacityBytes, maxSubscribers)
    const parts = isPossible ? topicPartsOf(capacity, capacityBytes, maxSubscribers) : undefined
    if (!parts || index + parts.end > words.length) throw badHandle('the handle names a damaged topic')
    this.memory = memory
    this.words = words
    this.index = index
    this.capacity = capacity
    this.capacityBytes = capacityBytes
    this.maxSubscribers = maxSubscribers
    this.entries = index + parts.entries
    this.mask = parts.mask
    this.dataWords = parts.dataWords
    this.lock = new InnerLock(memory, index + LOCK)
    this.messages = index + MESSAGES
    this.room = index + ROOM
    this.#data = index + parts.data
    this.#bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
  }

  static format({ memory, index }: Place, { capacity, capacityBytes, maxSubscribers }: TopicSizes): void {
    Atomics.store(memory.words, index + CAPACITY, capacity)
    Atomics.store(memory.words, index + CAPACITY_BYTES, capacityBytes)
    Atomics.store(memory.words, index + MOST_SUBSCRIBERS, maxSubscribers)
    Atomics.store(memory.words, index + SIZE_CHECK, sizeCheck(capacity, capacityBytes, maxSubscribers))
  }

  /** @returns as {@link publish} */
  publish(message: Writable): number {
    this.#message = message
    const done = publish(this, this)
    if (done > 0) signal(this.memory, this.messages, EVERYBODY)
    return done
  }

  /** The next message of a subscriber, to the scratch. @returns as {@link receive} */
  receive(subscriber: Subscriber): number {
    const { words, index } = this
    const { lost, cursor } = subscriber
    const found = receive(this, subscriber, this)
    if (subscriber.lost > lost) addTo(words, index + LOST, subscriber.lost - lost)
    if (subscriber.cursor === cursor || subscriber.policy !== WAIT) return found
    // Only if somebody sleeps, and this one was the last to be waited for.
    if (Atomics.load(words, this.room) & 1 && isLastReader(this, subscriber)) signal(this.memory, this.room, EVERYBODY)
    return found
  }

  /** @returns what went wrong, as {@link subscribe} */
  subscribe(policy: number): Subscriber | number {
    return subscribe(this, policy)
  }

  unsubscribe(subscriber: Subscriber): void {
    unsubscribe(this, subscriber)
    if (subscriber.policy === WAIT) signalEverybody(this.memory, this.room)
  }

  close(): void {
    close(this)
    signalEverybody(this.memory, this.messages)
    signalEverybody(this.memory, this.room)
  }

  /** Of the message that is being published. */
  get byteLength(): number {
    return (this.#message as Writable).byteLength
  }

  writeAt(start: number): void {
    this.#message?.writeTo(this.#bytes, (this.#data + start) * 4)
  }

  /** To the scratch. */
  readFrom(start: number, byteLength: number): void {
    copyToScratch(this.words, this.#data + start, wordsOf(byteLength))
  }

  get isOver(): boolean {
    return Atomics.load(this.words, this.index + CLOSED) !== 0
  }

  get publishCount(): number {
    return countAll(this)
  }

  /** How many messages a subscriber has still to read: a snapshot. */
  pendingOf({ cursor }: Subscriber): number {
    const oldest = Atomics.load(this.words, this.index + OLDEST)
    const tail = countAll(this)
    return Math.max(0, Math.min(tail - cursor, ((tail | 0) - oldest) >>> 0))
  }

  get errors(): number {
    return sumAt(this.words, this.index + ERRORS)
  }

  countError(): void {
    addTo(this.words, this.index + ERRORS, 1)
  }

  get lost(): number {
    return sumAt(this.words, this.index + LOST)
  }
}

const isFrom1To = (most: number, value: number): boolean => value >= 1 && value <= most

/** A sum of 64 bits in two words, the lower one first. Who is killed in between loses a carry. */
function addTo(words: Int32Array, index: number, amount: number): void {
  const low = Atomics.add(words, index, amount | 0) >>> 0
  const carry = Math.floor(amount / 2 ** 32) + (low + (amount % 2 ** 32) >= 2 ** 32 ? 1 : 0)
  if (carry > 0) Atomics.add(words, index + 1, carry)
}

const sumAt = (words: Int32Array, index: number): number =>
  (Atomics.load(words, index + 1) >>> 0) * 2 ** 32 + (Atomics.load(words, index) >>> 0)
