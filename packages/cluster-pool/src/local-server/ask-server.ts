import { Socket } from 'node:net'
import type { LocalEngine } from './local-server-options.js'
import { postgresOwner } from './postgres-owner.js'

/** Milliseconds that one attempt may take. */
const attemptMs = 5_000

export function urlOf(engine: LocalEngine, port: number, password: string): string {
  return engine === 'redis'
    ? `redis://:${password}@127.0.0.1:${port}`
    : `postgres://${postgresOwner}:${password}@127.0.0.1:${port}/postgres`
}

interface Question {
  readonly port: number
  readonly password: string
  /** Ends the attempt. */
  readonly signal: AbortSignal
}

/**
 * Asks the server a question, over a connection of its own.
 *
 * @throws (rejects) Error: it does not answer (yet), or not to this password
 */
export function askServer(engine: LocalEngine, question: Question): Promise<void> {
  return engine === 'redis' ? askRedis(question) : askPostgres(question)
}

async function askRedis({ port, password, signal }: Question): Promise<void> {
  const { Redis } = await import('ioredis')
  const redis = new Redis({
    host: '127.0.0.1',
    port,
    password,
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: attemptMs,
    commandTimeout: attemptMs,
    // What is silent does not close its side either.
    disconnectTimeout: 50,
    enableReadyCheck: false,
    disableClientInfo: true,
  })
  // Each failure is emitted as well as rejected.
  redis.on('error', () => undefined)
  signal.addEventListener('abort', () => redis.disconnect(), { once: true })
  try {
    await redis.connect()
    await redis.ping()
  } finally {
    redis.disconnect()
  }
}

async function askPostgres({ port, password, signal }: Question): Promise<void> {
  const { default: pg } = await import('pg')
  const socket = new Socket()
  const client = new pg.Client({
    stream: () => socket,
    host: '127.0.0.1',
    port,
    user: postgresOwner,
    password,
    database: 'postgres',
    ssl: false,
    connectionTimeoutMillis: attemptMs,
    query_timeout: attemptMs,
  })
  // The server may end while it is connected.
  client.on('error', () => undefined)
  signal.addEventListener('abort', () => socket.destroy(), { once: true })
  try {
    await client.connect()
    await client.query('SELECT 1')
  } finally {
    await client.end().catch(() => undefined)
  }
}
