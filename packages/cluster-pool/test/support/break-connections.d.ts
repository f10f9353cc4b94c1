import type { LocalServer } from '@heddle/cluster-pool'

export function breakConnections(server: LocalServer): Promise<void>
