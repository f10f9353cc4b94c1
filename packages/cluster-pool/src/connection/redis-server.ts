import { createHash } from 'node:crypto'
import { Redis, type RedisOptions } from 'ioredis'
import { type OperationLimits, operate, unreachable, unusable } from './operation.js'
import { RedisNotices } from './redis-notices.js'
import type { ClusterServer, OperationOptions } from './server.js'

/** A script for the server, which runs it as one step. */
export class RedisScript {
  readonly text: string
  readonly sha: string

  constructor(text: string) {
    this.text = text
    this.sha = createHash('sha1').update(text).digest('hex')
  }
}

export interface RedisServerOptions {
  readonly url: string
  readonly prefix: string
  /** Milliseconds. */
  readonly serverTimeout: number
}

interface Unrefable {
  unref?(): void
}

type Argument = string | number | Buffer

/**
 * A Redis or Valkey server: the connection, and how scripts are run there.
 *
 * Invariant: what is not idempotent is sent at most once; a broken connection then rejects it.
 * Invariant: no socket keeps the process alive, also after a reconnect.
 */
export class RedisServer implements ClusterServer {
  readonly engine = 'redis'
  readonly serverTimeout: number
  readonly client: Redis
  readonly notices: RedisNotices
  readonly #options: RedisServerOptions
  readonly #limits: OperationLimits
  #problem: unknown
  #isClosed = false

  private constructor(options: RedisServerOptions) {
    this.#options = options
    this.serverTimeout = options.serverTimeout
    this.#limits = {
      serverTimeout: options.serverTimeout,
      isConnectionError,
      problem: () => this.#problem,
      isClosed: () => this.#isClosed,
    }
    // What has been sent may have been done: whether it is sent again is decided for each operation. With 0 retries a broken
    // connection rejects what waits for an answer; otherwise, if it is not sent again, nobody would ever hear of it.
    this.client = this.connect({ autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0 })
    this.client.on('error', (error) => {
      this.#problem = error
    })
    this.client.on('ready', () => {
      this.#problem = undefined
    })
    this.notices = new RedisNotices(this, options.prefix)
  }

  /** @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: the server cannot be reached, or refuses the password */
  static async connect(options: RedisServerOptions): Promise<RedisServer> {
    const server = new RedisServer(options)
    try {
      await server.ask((client) => client.ping(), { idempotent: true })
    } catch (error) {
      await server.close()
      throw unusable(error)
    }
    return server
  }

  /** Another connection to the same server. */
  connect(options: RedisOptions = {}): Redis {
    const client = new Redis(this.#options.url, { maxRetriesPerRequest: null, retryStrategy, ...options })
    // Without a listener a lost connection would end the program. Whoever waits is told by a rejection.
    client.on('error', () => undefined)
    // What of it would keep the process alive; its types do not show them.
    const handles = client as unknown as { readonly stream?: Unrefable; readonly reconnectTimeout?: Unrefable }
    client.on('connect', () => handles.stream?.unref?.())
    client.on('reconnecting', () => handles.reconnectTimeout?.unref?.())
    return client
  }

  /** All keys of one object are in one slot of a Redis Cluster. */
  key(kind: string, name: string, part?: string): string {
    const base = `${this.#options.prefix}:{${kind}:${name}}`
    return part === undefined ? base : `${base}:${part}`
  }

  /** What another part of the program asks the server for, under the same limits. */
  attempt<Answer>(ask: () => Promise<Answer>, options: OperationOptions): Promise<Answer> {
    return operate(ask, options, this.#limits)
  }

  /** Waits for an answer; holds the process meanwhile. */
  ask<Answer>(ask: (client: Redis) => Promise<Answer>, options: OperationOptions): Promise<Answer> {
    return this.attempt(() => ask(this.client), options)
  }

  /** Runs a script. Strings come as strings, whole numbers as numbers. */
  run(
    script: RedisScript,
    keys: readonly string[],
    args: readonly Argument[],
    options: OperationOptions,
  ): Promise<unknown> {
    return this.ask((client) => runScript(client, script, keys, args), options)
  }

  /** The same, but what are strings there come as buffers. */
  runForBuffers(
    script: RedisScript,
    keys: readonly string[],
    args: readonly Argument[],
    options: OperationOptions,
  ): Promise<unknown> {
    return this.ask((client) => runScriptForBuffers(client, script, keys, args), options)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.notices.close()
    this.client.disconnect()
    await Promise.resolve()
  }
}

async function runScript(
  client: Redis,
  { sha, text }: RedisScript,
  keys: readonly string[],
  args: readonly Argument[],
): Promise<unknown> {
  try {
    return await client.evalsha(sha, keys.length, ...keys, ...args)
  } catch (error) {
    if (!isUnknownScript(error)) throw error
    return await client.eval(text, keys.length, ...keys, ...args)
  }
}

async function runScriptForBuffers(
  client: Redis,
  { sha, text }: RedisScript,
  keys: readonly string[],
  args: readonly Argument[],
): Promise<unknown> {
  const rest = [keys.length, ...keys, ...args]
  try {
    return await client.callBuffer('EVALSHA', sha, ...rest)
  } catch (error) {
    if (!isUnknownScript(error)) throw error
    return await client.callBuffer('EVAL', text, ...rest)
  }
}

const isUnknownScript = (error: unknown) => error instanceof Error && error.message.startsWith('NOSCRIPT')

/** A server that is starting again answers `LOADING`, one that is ending may close in the middle. */
function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code } = error as NodeJS.ErrnoException
  return (
    /Connection is closed|Stream isn't writeable|^LOADING |^MASTERDOWN |^READONLY /.test(error.message) ||
    /max retries per request|aborted due to connection close/.test(error.message) ||
    ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'NR_CLOSED', ...unreachable].includes(code ?? '')
  )
}

function retryStrategy(times: number): number {
  return Math.min(times * 50, 1_000)
}
