// What the server keeps, past the classes of the package.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

async function withRedis(server, use) {
  const { Redis } = require('ioredis')
  const client = new Redis(server.url)
  try {
    return await use(client)
  } finally {
    client.disconnect()
  }
}

async function withPostgres(server, use) {
  const { Client } = require('pg')
  const client = new Client({ connectionString: server.url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/** Ends all leases of a lock now, as a jump of the server's clock would. Resolves with how many there were. */
export function endLeases(server, prefix, name) {
  if (server.engine === 'redis')
    return withRedis(server, async (client) => {
      const key = `${prefix}:{lock:${name}}:held`
      const ids = await client.zrange(key, 0, -1)
      for (const id of ids) await client.zadd(key, 1, id)
      return ids.length
    })
  return withPostgres(server, async (client) => {
    const text = `update ${prefix}.lease_owners set ends = 'epoch' where object = $1 and token is not null`
    return (await client.query(text, [`lock:${name}`])).rowCount
  })
}

/** How many entries of a dict take up room, ended or not. */
export function storedEntries(server, prefix, name) {
  if (server.engine === 'redis')
    return withRedis(server, async (client) => {
      const parts = ['info', 'values', 'keys']
      const [info, values, keys] = parts.map((part) => `${prefix}:{dict:${name}}:${part}`)
      return Math.max(await client.hlen(info), await client.hlen(values), await client.zcard(keys))
    })
  return withPostgres(server, async (client) => {
    const { rows } = await client.query(`select count(*)::int from ${prefix}.dict_entries where dict = $1`, [name])
    return rows[0].count
  })
}
