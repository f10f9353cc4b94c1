import type { Cluster } from '@heddle/cluster-pool'

export interface LeaseProcess extends AsyncDisposable {
  ask(what: 'acquire', name: string, lease?: number): Promise<bigint>
  ask(what: 'acquirePermits', name: string, all: number, permits: number, lease?: number): Promise<bigint>
  ask(what: 'release'): Promise<void>
  ask(what: 'state'): Promise<{ readonly held: boolean; readonly lost: string | undefined; readonly onLost: number }>
  ask(what: 'fencedSet', dict: string, key: string, value: unknown): Promise<bigint | undefined>
  ask(what: 'contend', name: string, times: number, folder: string): Promise<number>
  ask(what: 'addUp', dict: string, key: string, times: number): Promise<void>
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>
}

export function startLeaseProcess(cluster: Cluster): Promise<LeaseProcess>
