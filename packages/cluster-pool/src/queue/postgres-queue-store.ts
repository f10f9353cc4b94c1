import type { PostgresServer } from '../connection/postgres-server.js'
import type {
  Claim,
  ClaimAnswer,
  ClaimedItem,
  ClaimRequest,
  NumberedRequest,
  PutAnswer,
  PutRequest,
  QueueState,
  QueueStore,
  WaiterKind,
} from './queue-store.js'

/** The first row is about the queue, the others are items. Whole numbers of 64 bits come as strings. */
interface ClaimRow {
  readonly id: string | null
  readonly attempts: number
  readonly body: Buffer
  readonly is_over: boolean | null
  readonly next_end: number | null
}

interface StateRow {
  readonly waiting: string
  readonly claimed: string
  readonly dead: string
  readonly closed: boolean
}

/** A queue on PostgreSQL: the rows of one name. */
export class PostgresQueue implements QueueStore {
  readonly #server: PostgresServer
  readonly #name: string
  readonly #client: string
  readonly #channel: string

  /** @param client - random, of one object; it is also the tag by which that one is told to look, on `channel` */
  constructor(server: PostgresServer, name: string, client: string, channel: string) {
    this.#server = server
    this.#name = name
    this.#client = client
    this.#channel = channel
  }

  async put({ number, bodies, capacity, mayWait }: PutRequest): Promise<PutAnswer> {
    const accepted = Number(
      await this.#value('queue_put', this.#client, number, bodies, orNull(capacity), mayWait ? this.#channel : null),
    )
    return { accepted: Math.max(accepted, 0), isClosed: accepted < 0 }
  }

  async claim({ number, most, lease, maxDeliveries, mayWait }: ClaimRequest): Promise<ClaimAnswer> {
    const token = `${this.#client}:${number}`
    const args = [this.#client, number, most, lease, orNull(maxDeliveries), mayWait ? this.#channel : null]
    const rows = await this.#rows<ClaimRow>('queue_claim', ...args)
    const items: ClaimedItem[] = []
    for (const { id, attempts, body } of rows) if (id !== null) items.push({ id, token, attempt: attempts, body })
    const { is_over, next_end } = rows[0] as ClaimRow
    return { items, isOver: is_over === true, nextEnd: next_end ?? Number.POSITIVE_INFINITY }
  }

  async acknowledge({ number, claims }: NumberedRequest & { readonly claims: readonly Claim[] }): Promise<number[]> {
    return placesOf(await this.#value('queue_acknowledge', this.#client, number, ...columns(claims)))
  }

  async renew(claims: readonly Claim[], lease: number): Promise<number[]> {
    return placesOf(await this.#value('queue_renew', ...columns(claims), lease))
  }

  async giveBack(claims: readonly Claim[], { isDelivered }: { readonly isDelivered: boolean }): Promise<void> {
    await this.#value('queue_give_back', ...columns(claims), isDelivered)
  }

  async leave(kind: WaiterKind): Promise<void> {
    await this.#value('queue_leave', kind, this.#client)
  }

  async close(): Promise<void> {
    await this.#value('queue_close')
  }

  async state(): Promise<QueueState> {
    const [row] = await this.#rows<StateRow>('queue_state')
    const { waiting, claimed, dead, closed } = row as StateRow
    return { waiting: Number(waiting), claimed: Number(claimed), deadLetters: Number(dead), isClosed: closed }
  }

  async clear(): Promise<number> {
    return Number(await this.#value('queue_clear'))
  }

  async destroy(): Promise<void> {
    await this.#value('queue_destroy')
  }

  async deadLetters(most: number): Promise<readonly { body: Uint8Array; attempt: number }[]> {
    const { schema } = this.#server
    const rows = await this.#server.query<{ body: Buffer; attempts: number }>(
      `select body, attempts from ${schema}.queue_items where queue = $1 and dead order by id limit $2`,
      [this.#name, most],
      { idempotent: true },
    )
    return rows.map(({ body, attempts }) => ({ body, attempt: attempts }))
  }

  async retryDeadLetters(): Promise<number> {
    return Number(await this.#value('queue_retry_dead'))
  }

  async clearDeadLetters(): Promise<number> {
    const { schema } = this.#server
    const rows = await this.#server.query<{ count: string }>(
      `with gone as (delete from ${schema}.queue_items where queue = $1 and dead returning 1) select count(*) from gone`,
      [this.#name],
      { idempotent: true },
    )
    return Number(rows[0]?.count)
  }

  async #value(step: string, ...rest: readonly unknown[]): Promise<unknown> {
    const [row] = await this.#rows<Record<string, unknown>>(step, ...rest)
    return row?.[step]
  }

  #rows<Row extends object>(step: string, ...rest: readonly unknown[]): Promise<readonly Row[]> {
    const places = [this.#name, ...rest].map((_, i) => `$${i + 1}`)
    const text = `select * from ${this.#server.schema}.${step}(${places.join(', ')})`
    return this.#server.query<Row>(text, [this.#name, ...rest], { idempotent: true })
  }
}

const columns = (claims: readonly Claim[]) => [claims.map(({ id }) => id), claims.map(({ token }) => token)]

const orNull = (value: number): number | null => (value === Number.POSITIVE_INFINITY ? null : value)

const placesOf = (answer: unknown): number[] => (answer === '' ? [] : String(answer).split(' ').map(Number))
