import { createPostgresBackend, createPostgresRelayBackend } from 'bullmq'

/** How the caller gets to know what has become of its tasks. */
export type Replies = 'events' | 'relay' | 'polling'

export const queueName = 'increments'
/** Of its tables in PostgreSQL. */
export const schema = 'bullmq'
/** Where the worker publishes results, if they go by the Relay. */
export const replyTopic = 'replies'

/** As many connections to PostgreSQL as ours has for its tasks; with the 10 of the default both ways of replies were slower. */
const ofPostgres = { max: 4, idleTimeoutMillis: 60_000 }

/** BullMQ's types tell the backends apart by type parameters; here they are the same. */
interface Backend {
  readonly connection: { readonly url: string; readonly maxRetriesPerRequest: null }
  readonly factory: undefined
  readonly relay: { readonly connection: { readonly url: string } }
}

export function backendOf(url: string): Backend {
  if (isRedis(url)) {
    const connection = { url, maxRetriesPerRequest: null }
    return { connection, factory: undefined, relay: { connection } }
  }
  const connection = { connectionString: url, schema, ...ofPostgres }
  const relay = { connection, backend: createPostgresRelayBackend }
  return { connection, factory: createPostgresBackend, relay } as unknown as Backend
}

export const isRedis = (url: string) => url.startsWith('redis:')
