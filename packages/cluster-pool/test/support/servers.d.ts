import type { Cluster, ClusterOptions, LocalEngine, LocalServer, LocalServerOptions } from '@heddle/cluster-pool'

export const engines: readonly LocalEngine[]
export function startServer(engine: LocalEngine, options?: LocalServerOptions): Promise<LocalServer>
export function newPrefix(): string
export function connect(server: LocalServer, options?: ClusterOptions): Promise<Cluster>
