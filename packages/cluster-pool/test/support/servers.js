// Servers for tests: every suite runs once for each engine that this machine has.
import { randomBytes } from 'node:crypto'
import { Cluster, LocalServer } from '@heddle/cluster-pool'

const hasRedis = await LocalServer.isAvailable('redis')
if (!hasRedis) console.log('no redis-server and no valkey-server on PATH: these tests run on PostgreSQL alone')

/** The engines that this machine has: embedded PostgreSQL always. */
export const engines = hasRedis ? ['redis', 'postgres'] : ['postgres']

/** A server for tests: PostgreSQL does not wait for the disk, unless it is asked to. */
export function startServer(engine, options = {}) {
  return LocalServer.start({ engine, durable: false, ...options })
}

/** A prefix that nobody else has. */
export function newPrefix() {
  return `t${randomBytes(8).toString('hex')}`
}

/** A cluster of its own on that server. */
export function connect(server, options = {}) {
  return Cluster.connect({ url: server.url, prefix: newPrefix(), ...options })
}
