import type { Memory } from '@heddle/sync-primitives'
import { type Lane, laneOf } from '@heddle/sync-primitives/building-blocks'
import type { SharedTopic } from './shared-topic.js'

/** By memory, and by index in it. */
const topics = new WeakMap<Memory, Map<number, LocalTopic>>()

/** A subscription of this thread, as others of this thread see it. */
interface Waiting {
  /** Lets its calls that wait go on as far as they can. */
  lookAgain(): void
}

/**
 * What is going on at one topic in this thread, however many objects of it were opened. While one side of a topic blocks the
 * thread, the other side's calls that wait cannot go on by themselves: they are looked after from here.
 */
export class LocalTopic {
  /** The publishing calls that wait, in the order they came. */
  readonly publishes: Lane<true | undefined>
  readonly #subscriptions = new Set<Waiting>()

  constructor(topic: SharedTopic) {
    this.publishes = laneOf(topic.memory, topic.room)
  }

  static of(topic: SharedTopic): LocalTopic {
    let ofMemory = topics.get(topic.memory)
    if (!ofMemory) {
      ofMemory = new Map()
      topics.set(topic.memory, ofMemory)
    }
    let local = ofMemory.get(topic.index)
    if (!local) {
      local = new LocalTopic(topic)
      ofMemory.set(topic.index, local)
    }
    return local
  }

  add(subscription: Waiting): void {
    this.#subscriptions.add(subscription)
  }

  delete(subscription: Waiting): void {
    this.#subscriptions.delete(subscription)
  }

  /** Lets those that wait for room publish. */
  publishWhatWaits(): void {
    if (this.publishes.size > 0) this.publishes.lookAgain()
  }

  /** Lets those that wait for a message receive it. */
  receiveWhatWaits(): void {
    for (const subscription of this.#subscriptions) subscription.lookAgain()
  }
}
