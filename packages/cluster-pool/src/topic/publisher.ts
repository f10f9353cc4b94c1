import type { TopicStore } from './topic-store.js'

/** What goes into one request at most, unless a single message is larger. */
const mostMessages = 256
const mostCharacters = 1_048_576

interface Publication {
  readonly body: string
  readonly settle: (error?: unknown) => void
}

/**
 * The messages of one object, in the order they came, as many as fit in one request.
 *
 * Invariant: one request is on its way at a time, and the numbers of requests grow: one that is sent again, since its answer was
 * lost, publishes nothing twice.
 */
export class Publisher {
  readonly #store: TopicStore
  #waiting: Publication[] = []
  #number = 0
  #isAsking = false

  constructor(store: TopicStore) {
    this.#store = store
  }

  /** @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE` */
  publish(body: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: unknown) => (error === undefined ? resolve() : reject(error))
      this.#waiting.push({ body, settle })
      if (!this.#isAsking) void this.#askOn()
    })
  }

  async #askOn(): Promise<void> {
    this.#isAsking = true
    // What comes in the same turn goes along.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batch = this.#nextBatch()
      this.#number += 1
      try {
        await this.#store.publish({ number: this.#number, bodies: batch.map(({ body }) => body) })
        for (const { settle } of batch) settle()
      } catch (error) {
        // Those behind would only come to wait as long.
        for (const { settle } of [...batch, ...this.#waiting.splice(0)]) settle(error)
      }
    }
    this.#isAsking = false
  }

  #nextBatch(): Publication[] {
    let characters = 0
    let count = 0
    for (const { body } of this.#waiting) {
      characters += body.length
      if (count === mostMessages || (count > 0 && characters > mostCharacters)) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }
}
