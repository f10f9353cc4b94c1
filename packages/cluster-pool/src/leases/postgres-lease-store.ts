import type { QueryResultRow } from 'pg'
import type { PostgresServer } from '../connection/postgres-server.js'
import { type LeaseAnswer, type LeaseRequest, type LeaseState, type LeaseStore, lookMs } from './lease-store.js'
import { otherBound } from './other-bound.js'

interface AskRow {
  readonly granted: string | null
  readonly wait_ms: number | null
  readonly other_bound: number | null
}

interface StateRow {
  readonly used: number
  readonly known_bound: number
  readonly waiters: number
}

/** A lock or a semaphore on PostgreSQL: the rows of one name, and the functions of the schema. */
export class PostgresLeaseStore implements LeaseStore {
  readonly channel: string
  /** Each goes over some connection of several. */
  readonly mayOvertake = true
  readonly #server: PostgresServer
  readonly #bound: number

  constructor(server: PostgresServer, kind: string, name: string, bound: number) {
    this.#server = server
    this.#bound = bound
    this.channel = `${kind}:${name}`
  }

  async ask({ id, permits, lease, mayWait }: LeaseRequest): Promise<LeaseAnswer> {
    const row = await this.#call<AskRow>('lease_ask', this.#channel, id, permits, this.#bound, lease, mayWait)
    if (row.granted !== null) return { token: BigInt(row.granted) }
    if (row.other_bound !== null) throw otherBound(this.#bound, row.other_bound)
    return { token: undefined, waitMs: row.wait_ms ?? lookMs }
  }

  async renew(id: string, lease: number): Promise<boolean> {
    const row = await this.#call<{ lease_renew: boolean }>('lease_renew', this.#channel, id, this.#bound, lease)
    return row.lease_renew
  }

  async release(id: string): Promise<void> {
    await this.#call('lease_release', this.#channel, id, this.#bound)
  }

  async state(): Promise<LeaseState> {
    const { used, known_bound, waiters } = await this.#call<StateRow>('lease_state')
    return { used, bound: used + waiters === 0 ? this.#bound : known_bound, waiters }
  }

  get #channel(): string {
    return this.#server.notices.channel(this.channel)
  }

  async #call<Row extends QueryResultRow>(name: string, ...rest: readonly unknown[]): Promise<Row> {
    const values = [this.channel, ...rest]
    const places = values.map((_, index) => `$${index + 1}`).join(', ')
    const rows = await this.#server.query<Row>(`select * from ${this.#server.schema}.${name}(${places})`, values, {
      idempotent: true,
    })
    return rows[0] as Row
  }
}
