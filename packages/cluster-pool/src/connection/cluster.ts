import { type LocalEngine, LocalServer } from '../local-server/local-server.js'
import { addressedOf, type ClusterOptions, clusterOptionsOf } from './cluster-options.js'
import { addressOf, type ClusterAddress, enterCluster, type Server, serverOf } from './cluster-server.js'
import { PostgresServer } from './postgres-server.js'
import { RedisServer } from './redis-server.js'

/**
 * One program's connection to the server that a cluster shares: Redis, Valkey or PostgreSQL. Every class of this package takes
 * it as its first argument. Close it last: what still uses it then fails with `ERR_SERVER_UNAVAILABLE`.
 *
 * An open cluster does not keep the process alive; whoever waits for an answer does.
 */
export class Cluster {
  /** Which kind of server it is. */
  readonly engine: LocalEngine
  /** What all keys, tables and channels begin with. Clusters of different prefixes do not see each other. */
  readonly prefix: string
  readonly #local: LocalServer | undefined
  #closing: Promise<void> | undefined

  private constructor(server: Server, address: ClusterAddress, local: LocalServer | undefined) {
    this.#local = local
    this.engine = server.engine
    this.prefix = address.prefix
    enterCluster(this, server, address)
  }

  /**
   * Connects to the server, and sets up what it needs there (in PostgreSQL two schemas, `<prefix>` and `<prefix>_tasks`).
   *
   * Without a `url` it starts a server of this machine for development and tests, see {@link LocalServer}: it lives until this
   * cluster is closed, or the program ends. Other programs reach it by {@link url}.
   *
   * @throws (rejects) ClusterError `ERR_NO_SERVER`: no url and no server to start, or a package that it needs is not installed
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: the server cannot be reached within `serverTimeout`
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options
   */
  static async connect(options: ClusterOptions = {}): Promise<Cluster> {
    const given = clusterOptionsOf(options)
    const local = given.url === undefined ? await LocalServer.start() : undefined
    const { url, engine } = local ?? addressedOf(given)
    const { prefix, serverTimeout } = given
    try {
      const Class = engine === 'redis' ? RedisServer : PostgresServer
      return new Cluster(await Class.connect({ url, prefix, serverTimeout }), { url, prefix }, local)
    } catch (error) {
      await local?.stop()
      throw error
    }
  }

  /** Where the server is, with its password: for programs of one's own, not for logs. */
  get url(): string {
    return addressOf(this).url
  }

  /** Ends the connection, and the server if it was started here. Called again, it waits for the same end. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await serverOf(this).close()
    await this.#local?.stop()
  }

  /** The same as {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
