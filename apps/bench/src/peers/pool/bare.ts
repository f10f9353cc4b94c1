import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Pool } from './contender.js'

/** A worker that answers each message: no pool can be faster than this. */
export async function bareThread(): Promise<Pool> {
  const worker = new Worker(new URL('./bare-thread-worker.js', import.meta.url))
  return { version: process.version, call: (n) => ask(worker, n, []), close: () => worker.terminate() }
}

/** A worker that answers each buffer with its length; the buffer moves there. */
export function bareMoves(): { move: (bytes: ArrayBuffer) => Promise<number>; close: () => Promise<unknown> } {
  const worker = new Worker(new URL('./bare-length-worker.js', import.meta.url))
  return { move: (bytes) => ask(worker, bytes, [bytes]), close: () => worker.terminate() }
}

function ask(worker: Worker, message: unknown, moved: readonly ArrayBuffer[]): Promise<number> {
  return new Promise((resolve) => {
    worker.once('message', resolve)
    worker.postMessage(message, moved)
  })
}

/** A child that answers each message over the channel that it was started with. */
export async function bareProcess(): Promise<Pool> {
  const child = fork(fileURLToPath(new URL('./bare-process-child.js', import.meta.url)), { serialization: 'advanced' })
  return {
    version: process.version,
    call: (n) =>
      new Promise((resolve) => {
        child.once('message', (answer) => resolve(answer as number))
        child.send(n)
      }),
    close: async () => {
      const exit = once(child, 'exit')
      child.kill()
      await exit
    },
  }
}
