import type { LocalServer } from '@heddle/cluster-pool'

export function endLeases(server: LocalServer, prefix: string, name: string): Promise<number>
export function storedEntries(server: LocalServer, prefix: string, name: string): Promise<number>
