import { describe, invalidArgument, milliseconds, objectOf } from '@heddle/pool-core/building-blocks'
import type { LocalEngine } from '../local-server/local-server.js'

export interface ClusterOptions {
  /**
   * The server: `redis://user:password@host:6379/0`, `rediss://…` with TLS (Redis 6.2 or newer, or Valkey), or
   * `postgres://user:password@host:5432/database` (PostgreSQL 13 or newer; needs the package `pg`). Default: a server of this
   * machine is started, for development and tests.
   */
  readonly url?: string | undefined
  /**
   * What all keys, tables and channels begin with: small letters, digits and `_`, at most 30. Default: `heddle`. In PostgreSQL
   * it names the schema.
   */
  readonly prefix?: string | undefined
  /** Milliseconds that the server may take for an answer, reconnecting included, 0 or more. Default: 30,000. */
  readonly serverTimeout?: number | undefined
}

const engines: Readonly<Record<string, LocalEngine>> = {
  'redis:': 'redis',
  'rediss:': 'redis',
  'postgres:': 'postgres',
  'postgresql:': 'postgres',
}

export interface ClusterSettings {
  readonly url: string | undefined
  readonly prefix: string
  readonly serverTimeout: number
}

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options */
export function clusterOptionsOf(options: ClusterOptions): ClusterSettings {
  const { url, prefix = 'heddle', serverTimeout = 30_000 } = objectOf('options', options)
  if (url !== undefined) engineOf(url)
  // Where a prefix names a schema, `<prefix>_tasks` is the second one.
  if (typeof prefix !== 'string' || !/^[a-z][a-z0-9_]{0,29}$/.test(prefix) || prefix.endsWith('_tasks'))
    throw invalidArgument(
      `prefix must be small letters, digits and _, at most 30, and not end in _tasks, not ${describe(prefix)}`,
    )
  return { url, prefix, serverTimeout: milliseconds('serverTimeout', serverTimeout) }
}

/** Of settings that name a server. */
export function addressedOf({ url }: ClusterSettings): { readonly url: string; readonly engine: LocalEngine } {
  return { url: url as string, engine: engineOf(url) }
}

/** @throws TypeError `ERR_INVALID_ARG` */
function engineOf(url: unknown): LocalEngine {
  if (typeof url !== 'string') throw invalidArgument(`url must be a string, not ${describe(url)}`)
  const engine = URL.canParse(url) ? engines[new URL(url).protocol] : undefined
  // Not the url itself: it may hold a password.
  if (engine === undefined) throw invalidArgument(`url must begin with ${Object.keys(engines).join('//, ')}//`)
  return engine
}

/**
 * The name of a lock, a queue or another object of a cluster.
 *
 * @throws TypeError `ERR_INVALID_ARG`: no string of 1 to 200 characters
 */
export function nameOf(name: unknown): string {
  if (typeof name !== 'string' || name === '' || name.length > 200)
    throw invalidArgument(`a name must be a string of 1 to 200 characters, not ${describe(name)}`)
  // PostgreSQL stores no such text.
  if (name.includes('\0') || !name.isWellFormed())
    throw invalidArgument('a name must have no zero character and no half of a surrogate pair')
  return name
}
