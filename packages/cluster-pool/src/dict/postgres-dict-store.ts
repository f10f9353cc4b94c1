import type { QueryResultRow } from 'pg'
import type { PostgresServer } from '../connection/postgres-server.js'
import { nameInNotice } from './dict-notice.js'
import type { Conditions, DictStore, Ending, Page, StoredEntry } from './dict-store.js'

interface EntryRow {
  readonly version: string
  readonly left_ms: number | null
  readonly value: Buffer
}

interface PageRow extends EntryRow {
  readonly found_key: Buffer
}

interface AddRow {
  readonly what: 'no number' | 'out of range' | 'sum'
  readonly total: string
}

const isAlive = '(ends is null or ends > clock_timestamp())'
const safely = { idempotent: true }

/** A dict on PostgreSQL: the rows of one name, and the functions of the schema. */
export class PostgresDictStore implements DictStore {
  readonly channel: string
  readonly #server: PostgresServer
  readonly #name: string

  constructor(server: PostgresServer, name: string) {
    this.#server = server
    this.#name = name
    this.channel = `dict:${name}`
  }

  async read(key: string): Promise<StoredEntry | undefined> {
    const [row] = await this.#server.query<EntryRow>(
      `select version, (extract(epoch from ends - clock_timestamp()) * 1000)::float8 as left_ms, value
       from ${this.#server.schema}.dict_entries where dict = $1 and key = $2 and ${isAlive}`,
      [this.#name, Buffer.from(key)],
      safely,
    )
    return row && entryOf(row)
  }

  async has(key: string): Promise<boolean> {
    const rows = await this.#server.query(
      `select 1 from ${this.#server.schema}.dict_entries where dict = $1 and key = $2 and ${isAlive}`,
      [this.#name, Buffer.from(key)],
      safely,
    )
    return rows.length > 0
  }

  async write(
    key: string,
    bytes: Uint8Array,
    ending: Ending,
    { ifVersion, fence }: Conditions,
  ): Promise<bigint | undefined> {
    const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const isFree = ifVersion === undefined && fence === undefined
    const rest = [value, endingIn(ending), ifVersion?.toString() ?? null, fence?.toString() ?? null]
    const row = await this.#change<{ dict_write: string | null }>('dict_write', key, rest, isFree)
    return row.dict_write === null ? undefined : BigInt(row.dict_write)
  }

  async remove(key: string, { ifVersion, fence }: Conditions): Promise<boolean> {
    const rest = [ifVersion?.toString() ?? null, fence?.toString() ?? null]
    return (await this.#change<{ dict_remove: boolean }>('dict_remove', key, rest)).dict_remove
  }

  async add(key: string, amount: number, ending: Ending): Promise<number | 'no number' | 'out of range'> {
    const { what, total } = await this.#change<AddRow>('dict_add', key, [amount, endingIn(ending)])
    return what === 'sum' ? Number(total) : what
  }

  async count(): Promise<number> {
    const [row] = await this.#server.query<{ count: string }>(
      `select count(*) from ${this.#server.schema}.dict_entries where dict = $1 and ${isAlive}`,
      [this.#name],
      safely,
    )
    return Number(row?.count)
  }

  async page(after: string | undefined, withValues: boolean): Promise<Page> {
    const rows = await this.#server.query<PageRow>(
      `select * from ${this.#server.schema}.dict_page($1, $2, $3)`,
      [this.#name, Buffer.from(after ?? ''), withValues],
      safely,
    )
    const entries = rows.map((row) => [row.found_key.toString(), entryOf(row)] as const)
    // Also behind a page that is not full: it may have ended with its bytes.
    return { entries, next: entries.at(-1)?.[0] }
  }

  async clear(): Promise<void> {
    const { schema, notices } = this.#server
    await this.#server.query(`select ${schema}.dict_clear($1, $2)`, [this.#name, notices.channel(this.channel)], safely)
  }

  async #change<Row extends QueryResultRow>(
    name: string,
    key: string,
    rest: readonly unknown[],
    idempotent = false,
  ): Promise<Row> {
    const { schema, notices } = this.#server
    const values = [this.#name, notices.channel(this.channel), Buffer.from(key), nameInNotice(key), ...rest]
    const places = values.map((_, index) => `$${index + 1}`).join(', ')
    const rows = await this.#server.query<Row>(`select * from ${schema}.${name}(${places})`, values, { idempotent })
    return rows[0] as Row
  }
}

function entryOf({ value, version, left_ms }: EntryRow): StoredEntry {
  return { bytes: value, version: BigInt(version), expiresIn: left_ms === null ? undefined : Math.max(left_ms, 0) }
}

function endingIn(ending: Ending): number | string | null {
  if (ending === 'as it is') return null
  return ending === 'never' ? 'Infinity' : ending
}
