import { setTimeout as delay } from 'node:timers/promises'
import type { Notices } from '../connection/server.js'
import { type Reply, replyChannel } from '../pool/wire.js'

/**
 * Tells callers what has become of their tasks: what comes in one turn of the event loop goes in one message to each caller.
 *
 * Invariant: replies to one caller go out in the order in which they came. One that is lost is no harm: the caller asks the
 * server for what it misses.
 */
export class ReplySender {
  readonly #notices: Notices
  #waiting = new Map<string, Reply[]>()
  #sending: Promise<void> | undefined

  constructor(notices: Notices) {
    this.#notices = notices
  }

  /** Resolves when the server has it, or it is lost. */
  send(caller: string, reply: Reply): Promise<void> {
    const replies = this.#waiting.get(caller)
    if (replies) replies.push(reply)
    else this.#waiting.set(caller, [reply])
    this.#sending ??= Promise.resolve().then(() => this.#flush())
    return this.#sending
  }

  /** For after a broken connection: that of the caller may have broken as well, and takes a moment to come back. */
  async sendAgain(caller: string, reply: Reply): Promise<void> {
    const message = JSON.stringify([reply])
    for (const pause of [0, 300, 600]) {
      await delay(pause)
      await this.#notices.publish(replyChannel(caller), message).catch(() => undefined)
    }
  }

  async #flush(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = new Map()
    this.#sending = undefined
    const messages = Array.from(waiting, async ([caller, replies]) => {
      await this.#notices.tell(replyChannel(caller), JSON.stringify(replies))
    })
    await Promise.allSettled(messages)
  }
}
