import { randomUUID } from 'node:crypto'
import type { PostgresServer } from '../connection/postgres-server.js'
import type { PublishRequest, TopicStore } from './topic-store.js'

/** A topic on PostgreSQL: the row and the channel of one name. */
export class PostgresTopic implements TopicStore {
  readonly channel: string
  readonly #server: PostgresServer
  readonly #name: string
  readonly #client: string

  /** @param client - random, of one object */
  constructor(server: PostgresServer, name: string, client: string) {
    this.channel = `topic:${name}`
    this.#server = server
    this.#name = name
    this.#client = client
  }

  async publish({ number, bodies }: PublishRequest): Promise<void> {
    await this.#run('topic_publish($1, $2, $3, $4, $5, $6)', this.#client, number, bodies)
  }

  async mark(): Promise<void> {
    await this.#run('topic_mark($1, $2, $3)')
  }

  async #run(call: string, ...rest: readonly unknown[]): Promise<void> {
    const args = [this.#name, randomUUID(), this.#server.notices.channel(this.channel), ...rest]
    await this.#server.query(`select ${this.#server.schema}.${call}`, args, { idempotent: true })
  }
}
