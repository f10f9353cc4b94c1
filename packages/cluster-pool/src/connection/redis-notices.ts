import type { Redis, RedisOptions } from 'ioredis'
import type { NoticeListener, Notices, OperationOptions, Unsubscribe } from './server.js'

/** What is used of the server. */
interface Connector {
  readonly client: Redis
  connect(options?: RedisOptions): Redis
  ask<Answer>(ask: (client: Redis) => Promise<Answer>, options: OperationOptions): Promise<Answer>
}

/** Notices by the server's PUBLISH, over a second connection that only listens and is made with the first subscription. */
export class RedisNotices implements Notices {
  readonly #server: Connector
  readonly #prefix: string
  readonly #listeners = new Map<string, Set<NoticeListener>>()
  #subscriber: Redis | undefined
  #hasBeenReady = false

  constructor(server: Connector, prefix: string) {
    this.#server = server
    this.#prefix = prefix
  }

  /** What the server calls a channel; for scripts that publish. */
  channel(name: string): string {
    return `${this.#prefix}:notice:${name}`
  }

  async subscribe(name: string, listener: NoticeListener): Promise<Unsubscribe> {
    const channel = this.channel(name)
    const listeners = this.#listeners.get(channel) ?? new Set()
    this.#listeners.set(channel, listeners)
    listeners.add(listener)
    const unsubscribe = () => this.#remove(channel, listeners, listener)
    try {
      // Also where it is subscribed already: that subscription may still be on its way.
      await this.#server.ask(() => this.#connection().subscribe(channel), { idempotent: true })
    } catch (error) {
      unsubscribe()
      throw error
    }
    return unsubscribe
  }

  async publish(name: string, message: string): Promise<void> {
    await this.#server.ask((client) => client.publish(this.channel(name), message), { idempotent: true })
  }

  async tell(name: string, message: string): Promise<void> {
    await this.#server.client.publish(this.channel(name), message).catch(() => undefined)
  }

  close(): void {
    const listeners = Array.from(this.#listeners.values(), (ofChannel) => Array.from(ofChannel)).flat()
    this.#listeners.clear()
    this.#subscriber?.disconnect()
    for (const listener of listeners) listener.onClosed?.()
  }

  #connection(): Redis {
    if (!this.#subscriber) {
      const subscriber = this.#server.connect({ autoResubscribe: true })
      subscriber.on('message', (channel: string, message: string) => {
        for (const listener of Array.from(this.#listeners.get(channel) ?? [])) listener.onMessage(message)
      })
      subscriber.on('ready', () => this.#onReady())
      this.#subscriber = subscriber
    }
    return this.#subscriber
  }

  #onReady(): void {
    const isGap = this.#hasBeenReady
    this.#hasBeenReady = true
    if (!isGap) return
    // The subscriptions are on their way already: when this is answered, they hold again.
    this.#subscriber?.ping().then(
      () => {
        for (const listeners of Array.from(this.#listeners.values()))
          for (const listener of Array.from(listeners)) listener.onGap?.()
      },
      // Gone again: the next connection tells it.
      () => undefined,
    )
  }

  #remove(channel: string, listeners: Set<NoticeListener>, listener: NoticeListener): void {
    if (!listeners.delete(listener) || listeners.size > 0) return
    if (this.#listeners.get(channel) === listeners) this.#listeners.delete(channel)
    this.#subscriber?.unsubscribe(channel).catch(() => undefined)
  }
}
