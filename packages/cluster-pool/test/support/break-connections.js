// Ends all connections to a server from its side, as a restart or a firewall would.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

export async function breakConnections(server) {
  if (server.engine === 'redis') {
    const { Redis } = require('ioredis')
    const client = new Redis(server.url, { lazyConnect: true })
    client.on('error', () => undefined)
    await client.connect()
    // Its own one stays: SKIPME is the default.
    for (const type of ['normal', 'pubsub']) await client.call('CLIENT', 'KILL', 'TYPE', type)
    client.disconnect()
    return
  }
  const { Client } = require('pg')
  const client = new Client({ connectionString: server.url })
  await client.connect()
  await client.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'",
  )
  await client.end()
}
