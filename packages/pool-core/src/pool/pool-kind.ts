import type { Boundary } from '@heddle/codec'
import type { HostKind, WorkerHost, WorkerSettings } from '../slots/host-kind.js'
import { HostedWorker } from '../slots/hosted-worker.js'
import type { StartWorker } from '../slots/worker-link.js'

/** What a pool runs its tasks in. */
export interface PoolKind {
  /** For messages, such as `worker thread`. */
  readonly what: string
  /** What arguments and results have to cross. */
  readonly boundary: Boundary
  startWorker(settings: WorkerSettings, startTimeout: number): StartWorker
}

/** Workers that tinypool hosts. */
export function hostedKind<Host extends WorkerHost>(kind: HostKind<Host>): PoolKind {
  return {
    what: kind.what,
    boundary: kind.boundary,
    startWorker: (settings, startTimeout) => (hello, events) =>
      new HostedWorker(kind as unknown as HostKind, settings, hello, startTimeout, events),
  }
}
