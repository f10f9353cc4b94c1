import {
  Cluster,
  ClusterError,
  type ClusterGuard,
  ClusterLock,
  type LocalEngine,
  LocalServer,
} from '@heddle/cluster-pool'
import { UsageError } from '../../cli/exit-codes.js'
import { printable } from '../../printable.js'
import { hostOf } from './host-of.js'
import { unlessAborted } from './unless-aborted.js'

/** What the keys and the schemas of the demo begin with. */
const prefix = 'heddle_demo'
/** Milliseconds that a server that was named may take for an answer. */
const serverTimeout = 10_000

export interface PlaceOptions {
  /** The server; undefined: one is started. */
  readonly url: string | undefined
  /** Which one to start; undefined: the first that there is. */
  readonly engine: LocalEngine | undefined
}

/**
 * A server, and a connection to it. If it was started here, it has ended when this is disposed of.
 *
 * Invariant: while this is open, no other demo has the same server: they would run each other's batches.
 */
export class Place implements AsyncDisposable {
  readonly cluster: Cluster
  readonly prefix: string = prefix
  /** The process of a server that was started here. */
  readonly pid: number | undefined
  readonly #local: LocalServer | undefined
  readonly #guard: ClusterGuard

  private constructor(cluster: Cluster, local: LocalServer | undefined, guard: ClusterGuard) {
    this.cluster = cluster
    this.pid = local?.pid
    this.#local = local
    this.#guard = guard
  }

  /**
   * @throws UsageError: there is no server, or it cannot be used, or another demo has it
   * @throws the reason of `signal`
   */
  static async open({ url, engine }: PlaceOptions, signal: AbortSignal): Promise<Place> {
    signal.throwIfAborted()
    try {
      const local =
        url === undefined
          ? await unlessAborted(LocalServer.start({ engine, durable: false }), signal, (late) => late.stop())
          : undefined
      try {
        return await unlessAborted(connect(url ?? (local as LocalServer).url, local), signal, (late) => late.close())
      } catch (error) {
        await local?.stop()
        throw error
      }
    } catch (error) {
      signal.throwIfAborted()
      throw clearly(error, url)
    }

    async function connect(address: string, local: LocalServer | undefined): Promise<Place> {
      const cluster = await Cluster.connect({ url: address, prefix, serverTimeout })
      try {
        const guard = await new ClusterLock(cluster, 'demo').tryAcquire()
        if (guard) return new Place(cluster, local, guard)
        throw new UsageError('another demo runs on this server: wait for its end, or give another one with --url URL')
      } catch (error) {
        await cluster.close()
        throw error
      }
    }
  }

  async close(): Promise<void> {
    // One that is not given back ends with its lease.
    await this.#guard.release().catch(() => undefined)
    await this.cluster.close()
    await this.#local?.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** What is wrong with the server, in one line. */
function clearly(error: unknown, url: string | undefined): unknown {
  if (!(error instanceof Error) || error instanceof UsageError) return error
  const { code } = error as NodeJS.ErrnoException
  const what = printable(error.message)
  if (url === undefined)
    return error instanceof ClusterError ? new UsageError(`${what}; or give one with --url URL`) : error
  if (code === 'ERR_INVALID_ARG') return new UsageError(`--url and HEDDLE_URL name a server: ${what}`)
  if (code === 'ERR_SERVER_UNAVAILABLE')
    return new UsageError(`the server ${hostOf(url)} does not answer: start it, or give another one with --url URL`)
  return new UsageError(`the server ${hostOf(url)} cannot be used: ${what}`)
}
