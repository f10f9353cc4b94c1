import { invalidArgument } from '@heddle/pool-core/building-blocks'
import { assertSchemaCompatibility, runMigrations } from 'bullmq'
import type { Client, Pool, QueryResultRow } from 'pg'
import { dictSchema } from '../dict/postgres-dict.js'
import { leasesSchema } from '../leases/postgres-leases.js'
import { ratesSchema } from '../limits/postgres-rates.js'
import { queueSchema } from '../queue/postgres-queue.js'
import { topicSchema } from '../topic/postgres-topics.js'
import { type OperationLimits, operate, unreachable, unusable } from './operation.js'
import { PostgresNotices } from './postgres-notices.js'
import { setUpSchema } from './postgres-schema.js'
import type { ClusterServer, OperationOptions } from './server.js'

export interface PostgresServerOptions {
  readonly url: string
  readonly prefix: string
  /** Milliseconds. */
  readonly serverTimeout: number
}

type PgModule = Pick<typeof import('pg'), 'Client' | 'Pool'>

const connections = 10
/** Milliseconds. */
const longestTimer = 2 ** 31 - 1

/**
 * A PostgreSQL server: a few connections, one of which listens, and the schema that is named by the prefix.
 *
 * Invariant: a query that is not idempotent is sent at most once; a broken connection then rejects it.
 * Invariant: idle connections do not keep the process alive.
 */
export class PostgresServer implements ClusterServer {
  readonly engine = 'postgres'
  readonly serverTimeout: number
  readonly pool: Pool
  readonly schema: string
  readonly notices: PostgresNotices
  readonly #limits: OperationLimits
  #isClosed = false

  private constructor(pg: PgModule, { url, prefix, serverTimeout }: PostgresServerOptions) {
    this.#limits = { serverTimeout, isConnectionError, isClosed: () => this.#isClosed }
    this.schema = prefix
    this.serverTimeout = serverTimeout
    this.pool = new pg.Pool({
      connectionString: url,
      max: connections,
      allowExitOnIdle: true,
      // A new connection takes as long as many queries.
      idleTimeoutMillis: 60_000,
      connectionTimeoutMillis: Math.min(serverTimeout, longestTimer),
      keepAlive: true,
    })
    // Of connections that break while they are idle. Without a listener it would end the program.
    this.pool.on('error', () => undefined)
    this.notices = new PostgresNotices(this, () => newClient(pg, url, serverTimeout), prefix)
  }

  /**
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: the server cannot be reached
   */
  static async connect(options: PostgresServerOptions): Promise<PostgresServer> {
    const server = new PostgresServer((await import('pg')).default, options)
    try {
      await operate(
        async () => {
          await refuseReserved(server.pool, options.prefix)
          server.notices.secret = await setUpSchema(server.pool, server.schema, [
            leasesSchema,
            dictSchema,
            queueSchema,
            topicSchema,
            ratesSchema,
          ])
          await setUpQueues(server.pool, server.queueSchema)
        },
        { idempotent: true },
        server.#limits,
      )
    } catch (error) {
      await server.close()
      throw unusable(error)
    }
    return server
  }

  /** Of the tables of BullMQ, which hold the tasks of pools. */
  get queueSchema(): string {
    return `${this.schema}_tasks`
  }

  /** What another part of the program asks the server for, under the same limits. */
  attempt<Answer>(ask: () => Promise<Answer>, options: OperationOptions): Promise<Answer> {
    return operate(ask, options, this.#limits)
  }

  /** Runs one query and waits for its rows; holds the process meanwhile. */
  query<Row extends QueryResultRow>(
    text: string,
    values: readonly unknown[],
    options: OperationOptions,
  ): Promise<readonly Row[]> {
    return this.attempt(async () => (await this.pool.query<Row>(text, values as unknown[])).rows, options)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.notices.close()
    await this.pool.end()
  }
}

/** The prefix is a schema's name here. @throws (rejects) TypeError `ERR_INVALID_ARG` */
async function refuseReserved(pool: Pool, prefix: string): Promise<void> {
  const { rows } = await pool.query("select 1 from pg_get_keywords() where word = $1 and catcode in ('R', 'T')", [
    prefix,
  ])
  if (rows.length > 0 || /^(pg_|public$|information_schema$)/.test(prefix))
    throw invalidArgument(
      `in PostgreSQL the prefix names a schema, and ${prefix} is one of its own words: take another`,
    )
}

/** Once for all nodes and callers: the engine itself sees to it that only one of those who come at a time does it. */
async function setUpQueues(pool: Pool, schema: string): Promise<void> {
  try {
    await assertSchemaCompatibility(pool, schema)
  } catch {
    await runMigrations(pool, schema)
  }
}

function newClient(pg: PgModule, url: string, serverTimeout: number): Client {
  return new pg.Client({
    connectionString: url,
    keepAlive: true,
    connectionTimeoutMillis: Math.min(serverTimeout, longestTimer),
  })
}

/** The classes 08 (connection), 57P (the server is ending or starting), 53300 (it has no connection left), and what Node and pg say of broken sockets. */
function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code = '' } = error as NodeJS.ErrnoException
  return (
    /^(08|57P0|53300)/.test(code) ||
    ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', ...unreachable].includes(code) ||
    /Connection terminated|connection timeout|timeout exceeded when trying to connect|Client has encountered a connection error/i.test(
      error.message,
    )
  )
}
