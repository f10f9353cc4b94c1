import type { TrackedWorker } from './track-worker.js'

/**
 * What this package and the pools tell each other in one thread. Neither imports the other, and either may be loaded first, or
 * alone; so each field may be missing. It is no part of what users may rely on.
 *
 * field       · entered by                · meaning
 * workers     · a pool, when it starts    · the worker threads that pools of this thread have started and that have not exited
 * trackWorker · this package, when loaded · a pool calls it for each worker that it starts from then on
 * heldGuards  · this package, when loaded · how many guards this thread holds at the moment
 *
 * Invariant: every worker that a pool starts is tracked, whichever of the two was loaded first. A pool adds it to `workers` and
 * then calls `trackWorker` if that is there; this package, when loaded, enters that and tracks what is in `workers`.
 * Invariant: `heldGuards` counts each guard whose `held` is true, of any kind, once: one for each level of a recursive mutex,
 * one for all the permits of a semaphore's guard. So what waits for a condition and what was detached does not count, nor does
 * a pending acquisition.
 */
export interface ThreadHooks {
  workers?: Set<TrackedWorker>
  trackWorker?: (worker: TrackedWorker) => void
  heldGuards?: () => number
}

/** Those of this thread, made by whoever comes first. */
export const threadHooks: ThreadHooks = (() => {
  const key = Symbol.for('heddle.threads')
  const globals = globalThis as unknown as Record<symbol, ThreadHooks | undefined>
  globals[key] ??= {}
  return globals[key]
})()
