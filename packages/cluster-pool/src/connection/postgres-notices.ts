import { createHash } from 'node:crypto'
import { reportError, startTimer } from '@heddle/pool-core/building-blocks'
import type { Client, Notification, Pool, QueryResultRow } from 'pg'
import type { NoticeListener, Notices, OperationOptions, Unsubscribe } from './server.js'

/** What is used of the server. */
interface Connector {
  readonly pool: Pool
  readonly schema: string
  attempt<Answer>(ask: () => Promise<Answer>, options: OperationOptions): Promise<Answer>
  query<Row extends QueryResultRow>(
    text: string,
    values: readonly unknown[],
    options: OperationOptions,
  ): Promise<readonly Row[]>
}

/** Those who listen on one channel, and the messages that are on their way to them. */
interface Channel {
  readonly listeners: Set<NoticeListener>
  /** The last one delivered: a long message has to be fetched, and those behind it wait for it. */
  delivery: Promise<void>
  /** How many are waiting for `delivery`. */
  pending: number
}

const reconnectMs = 200

/**
 * Notices by LISTEN and NOTIFY, over a connection of its own that is made with the first subscription and made again when
 * it breaks.
 */
export class PostgresNotices implements Notices {
  readonly #server: Connector
  readonly #newClient: () => Client
  readonly #prefix: string
  readonly #channels = new Map<string, Channel>()
  #client: Promise<Client> | undefined
  #stopReconnect: (() => void) | undefined
  #asking: Promise<void> = Promise.resolve()
  #isClosed = false
  /**
   * A part of the channels' names, which is known to those who may read the schema: every role of a database may listen to any
   * channel, and send to it.
   */
  secret = ''

  constructor(server: Connector, newClient: () => Client, prefix: string) {
    this.#server = server
    this.#newClient = newClient
    this.#prefix = prefix
  }

  /** What the server calls a channel, whose names are short; for functions that publish. */
  channel(name: string): string {
    return `heddle_${createHash('sha1').update(`${this.secret}:${this.#prefix}:${name}`).digest('hex')}`
  }

  async subscribe(name: string, listener: NoticeListener): Promise<Unsubscribe> {
    const key = this.channel(name)
    const channel = this.#channels.get(key) ?? { listeners: new Set(), delivery: Promise.resolve(), pending: 0 }
    this.#channels.set(key, channel)
    channel.listeners.add(listener)
    const unsubscribe = () => this.#remove(key, channel, listener)
    try {
      await this.#server.attempt(() => this.#listen(key), { idempotent: true })
    } catch (error) {
      unsubscribe()
      throw error
    }
    return unsubscribe
  }

  async publish(name: string, message: string): Promise<void> {
    await this.#server.query(`select ${this.#server.schema}.publish($1, $2)`, [this.channel(name), message], {
      idempotent: true,
    })
  }

  async tell(name: string, message: string): Promise<void> {
    await this.#server.pool
      .query(`select ${this.#server.schema}.publish($1, $2)`, [this.channel(name), message])
      .catch(() => undefined)
  }

  close(): void {
    this.#isClosed = true
    const listeners = Array.from(this.#channels.values(), (channel) => Array.from(channel.listeners)).flat()
    this.#channels.clear()
    this.#stopReconnect?.()
    this.#client?.then((client) => client.end()).catch(() => undefined)
    for (const listener of listeners) listener.onClosed?.()
  }

  #listen(key: string): Promise<void> {
    return this.#ask(`listen ${key}`)
  }

  /** One at a time: a client takes no second query while one is under way. */
  #ask(query: string): Promise<void> {
    const asked = this.#asking.then(async () => {
      const client = await this.#connection()
      await client.query(query)
    })
    this.#asking = asked.catch(() => undefined)
    return asked
  }

  #connection(): Promise<Client> {
    if (this.#client) return this.#client
    const client = this.#newClient()
    client.on('end', () => {
      // Not that of an attempt which has failed: there may be another one by now.
      if (this.#client === connection) this.#onEnd()
    })
    const connection = this.#connect(client).catch((error: unknown) => {
      if (this.#client === connection) this.#client = undefined
      throw error
    })
    this.#client = connection
    return connection
  }

  async #connect(client: Client): Promise<Client> {
    const connecting = client.connect()
    client.on('error', () => undefined)
    client.on('notification', (notification) => this.#onNotification(notification))
    await connecting
    // pg's types leave it out.
    ;(client as Client & { unref(): void }).unref()
    return client
  }

  #onEnd(): void {
    this.#client = undefined
    if (this.#isClosed || this.#channels.size === 0) return
    this.#reconnectLater()
  }

  #reconnectLater(): void {
    this.#stopReconnect?.()
    this.#stopReconnect = startTimer(reconnectMs, () => void this.#reconnect(), { unref: true })
  }

  /** Listens again on all channels, and tells that messages may have been missed. */
  async #reconnect(): Promise<void> {
    if (this.#isClosed) return
    try {
      for (const key of Array.from(this.#channels.keys())) await this.#listen(key)
    } catch {
      this.#reconnectLater()
      return
    }
    for (const { listeners } of Array.from(this.#channels.values()))
      for (const listener of Array.from(listeners)) listener.onGap?.()
  }

  #onNotification({ channel: key, payload = '' }: Notification): void {
    const channel = this.#channels.get(key)
    if (!channel) return
    const body = payload.slice(1)
    if (payload.startsWith('i') && channel.pending === 0) {
      tell(channel, body)
      return
    }
    channel.pending += 1
    channel.delivery = channel.delivery.then(async () => {
      const message = payload.startsWith('i') ? body : await this.#fetch(body)
      channel.pending -= 1
      if (message === undefined) for (const listener of Array.from(channel.listeners)) listener.onGap?.()
      else tell(channel, message)
    })
  }

  /** A long message; undefined: it is gone, or cannot be had. */
  async #fetch(id: string): Promise<string | undefined> {
    try {
      const rows = await this.#server.query<{ body: string }>(
        `select body from ${this.#server.schema}.messages where id = $1`,
        [id],
        { idempotent: true },
      )
      return rows[0]?.body
    } catch {
      return undefined
    }
  }

  #remove(key: string, channel: Channel, listener: NoticeListener): void {
    if (!channel.listeners.delete(listener) || channel.listeners.size > 0) return
    if (this.#channels.get(key) !== channel) return
    this.#channels.delete(key)
    if (this.#client) this.#ask(`unlisten ${key}`).catch(() => undefined)
  }
}

function tell({ listeners }: Channel, message: string): void {
  for (const listener of Array.from(listeners)) reportError(() => listener.onMessage(message))
}
