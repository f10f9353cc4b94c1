import type { Cluster } from '@heddle/cluster-pool'

export interface NodeProcess {
  readonly pid: number
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>
  output(): string
  kill(signal: NodeJS.Signals): Promise<unknown>
}

export function startNode(cluster: Cluster, args?: readonly string[], limits?: readonly string[]): Promise<NodeProcess>
