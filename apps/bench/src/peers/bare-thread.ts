import { Worker } from 'node:worker_threads'
import type { Contender } from '../duel.js'

/** A worker that answers each message: no pool can be faster than this. */
export async function bareThread(): Promise<Contender & { version: string }> {
  const worker = new Worker(new URL('./bare-thread-worker.js', import.meta.url))
  return {
    version: process.version,
    call: (n) =>
      new Promise((resolve) => {
        worker.once('message', resolve)
        worker.postMessage(n)
      }),
    close: () => worker.terminate(),
  }
}
