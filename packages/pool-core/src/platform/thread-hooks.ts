/** What a pool tells of a worker thread that it has started. */
export interface TrackedThread {
  readonly threadId: number
  once(event: 'exit', listener: () => void): unknown
}

/**
 * Where pools and locks of one thread meet without importing each other. Whoever comes first makes the object.
 *
 * - `workers`: the worker threads that pools of this thread run. Locks that are imported later look here.
 * - `trackWorker`: entered by sync-primitives: the end of this worker frees what it held.
 * - `heldGuards`: entered by sync-primitives: how many guards this thread holds now.
 */
interface ThreadHooks {
  workers?: Set<TrackedThread>
  trackWorker?: (worker: TrackedThread) => void
  heldGuards?: () => number
}

const hooks: ThreadHooks = (() => {
  const key = Symbol.for('heddle.threads')
  const globals = globalThis as unknown as Record<symbol, ThreadHooks | undefined>
  globals[key] ??= {}
  return globals[key]
})()

/** Its end will be noticed by the locks of this thread, also by those that are imported later. */
export function noteWorker(worker: TrackedThread): void {
  hooks.workers ??= new Set()
  hooks.workers.add(worker)
  hooks.trackWorker?.(worker)
  worker.once('exit', () => hooks.workers?.delete(worker))
}

/** How many guards of locks this thread holds; 0 where nothing with locks was imported. */
export function heldGuards(): number {
  return hooks.heldGuards?.() ?? 0
}
