import { invalidArgument } from '../errors.js'
import { threadHooks } from './thread-hooks.js'
import { noteEnd } from './thread-identity.js'
import { ThreadMemory } from './thread-memory.js'

/** What `trackWorker` needs of a `Worker` of `node:worker_threads`. */
export interface TrackedWorker {
  readonly threadId: number
  once(event: 'exit', listener: () => void): unknown
}

/** A worker that somebody tracked already gets no second listener. */
const tracked = new WeakSet<TrackedWorker>()

/**
 * Tells Heddle of a worker of `node:worker_threads` that you started, so that its end is noticed at once. Does not block,
 * and does not keep the process alive. A second call for the same worker does nothing.
 *
 * On Linux with Node.js or Bun the end of a thread is noticed without this call as well, within some tens of milliseconds and
 * also while this thread blocks. Elsewhere this call is what makes it noticed, when the worker's `exit` event is emitted: so
 * not while this thread blocks.
 *
 * @throws TypeError `ERR_INVALID_ARG`: not a Worker
 */
export function trackWorker(worker: TrackedWorker): void {
  if (typeof worker !== 'object' || worker === null || typeof worker.once !== 'function')
    throw invalidArgument('trackWorker needs a Worker of node:worker_threads')
  const { threadId } = worker
  if (!Number.isInteger(threadId)) throw invalidArgument('trackWorker needs a Worker of node:worker_threads')
  // Already ended: its number is gone, and so is the way to find what it held.
  if (threadId < 0 || tracked.has(worker)) return
  tracked.add(worker)
  worker.once('exit', () => {
    noteEnd(threadId)
    ThreadMemory.markEnded(threadId)
  })
}

// A thread may load this package twice, in two versions say. Each copy knows its own memories.
const ofOtherCopies = threadHooks.trackWorker
threadHooks.trackWorker = ofOtherCopies
  ? (worker) => {
      ofOtherCopies(worker)
      trackWorker(worker)
    }
  : trackWorker
for (const worker of threadHooks.workers ?? []) trackWorker(worker)
