import type { Notices, Unsubscribe } from '../connection/server.js'

/**
 * The requests of one object, and the notices that tell them to look.
 *
 * Invariant: while a request waits, there is a subscription, or one on its way, or the last attempt has failed and the next
 * look makes another one. From then on no notice that names a request is missed; when it is made, all look once.
 */
export class WakeUps {
  readonly #notices: Notices
  readonly #channel: string
  readonly #looks = new Map<string, () => void>()
  readonly #waiting = new Set<string>()
  #subscription: Promise<Unsubscribe> | undefined

  constructor(notices: Notices, channel: string) {
    this.#notices = notices
    this.#channel = channel
  }

  /** Before the first question: the notice may come before the answer to that. */
  add(id: string, look: () => void): void {
    this.#looks.set(id, look)
  }

  /** It was not given anything: it needs the notices from now on. */
  wait(id: string): void {
    this.#waiting.add(id)
    if (this.#subscription) return
    const subscription = this.#notices.subscribe(this.#channel, {
      onMessage: (named) => this.#looks.get(named)?.(),
      onGap: () => this.#lookAll(),
      // Each then hears of it by its question.
      onClosed: () => this.#lookAll(),
    })
    this.#subscription = subscription
    subscription.then(
      () => this.#lookAll(),
      () => {
        if (this.#subscription === subscription) this.#subscription = undefined
      },
    )
  }

  delete(id: string): void {
    this.#looks.delete(id)
    if (!this.#waiting.delete(id) || this.#waiting.size > 0) return
    this.#subscription?.then(
      (unsubscribe) => unsubscribe(),
      () => undefined,
    )
    this.#subscription = undefined
  }

  #lookAll(): void {
    for (const look of Array.from(this.#looks.values())) look()
  }
}
