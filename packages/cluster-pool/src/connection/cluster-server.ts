import { describe, invalidArgument } from '@heddle/pool-core/building-blocks'
import type { Cluster } from './cluster.js'
import type { PostgresServer } from './postgres-server.js'
import type { RedisServer } from './redis-server.js'

// Beside the class, and not in it: whoever uses the package sees neither the servers nor the types of their clients.

export type Server = RedisServer | PostgresServer

const servers = new WeakMap<Cluster, Server>()
const addresses = new WeakMap<Cluster, ClusterAddress>()

/** For a cluster that is being made. */
export function enterCluster(cluster: Cluster, server: Server, address: ClusterAddress): void {
  servers.set(cluster, server)
  addresses.set(cluster, address)
}

/** What a cluster's classes work with. */
export function serverOf(cluster: Cluster): Server {
  const server = servers.get(cluster)
  if (!server)
    throw invalidArgument(`the first argument must be a Cluster, made with Cluster.connect, not ${describe(cluster)}`)
  return server
}

/** What pools and nodes connect with once more, for their queue. */
export interface ClusterAddress {
  readonly url: string
  readonly prefix: string
}

export function addressOf(cluster: Cluster): ClusterAddress {
  serverOf(cluster)
  return addresses.get(cluster) as ClusterAddress
}
