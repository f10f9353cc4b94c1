import { Worker } from 'node:worker_threads'
import { afterEach } from '@jest/globals'

export const never = new Promise(() => undefined)

export const isBalanced = ({ produced, taken, put, consumed, failed, undelivered }) =>
  produced + taken === put + consumed + failed + undelivered.length

export const sorted = (numbers) => [...numbers].sort((a, b) => a - b)

export async function* endless() {
  for (let i = 0; ; i++) yield i
}

export function gate() {
  let open
  const passed = new Promise((resolve) => {
    open = resolve
  })
  return { passed, open: () => open() }
}

const executors = new Set()

/** Runs the named tasks of ../fixtures/producer-consumer-tasks.mjs, one worker thread for each that runs at a time. */
export class ThreadExecutor {
  #idle = []
  #all = new Set()
  ended = 0

  constructor() {
    executors.add(this)
  }

  run(task, args, { signal } = {}) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const worker = this.#idle.pop() ?? this.#start()
      const settle = (settler, value) => {
        signal?.removeEventListener('abort', onAbort)
        worker.off('exit', onExit)
        worker.off('message', onMessage)
        settler(value)
      }
      const onAbort = () => {
        this.ended += 1
        settle(reject, signal.reason)
        this.#all.delete(worker)
        void worker.terminate()
      }
      signal?.addEventListener('abort', onAbort)
      const onExit = () => settle(reject, Object.assign(new Error('it died'), { code: 'ERR_WORKER_CRASHED' }))
      const onMessage = ({ result, error }) => {
        this.#idle.push(worker)
        settle(error === undefined ? resolve : reject, error ?? result)
      }
      worker.on('exit', onExit)
      worker.on('message', onMessage)
      worker.postMessage({ name: task.name, args })
    })
  }

  #start() {
    const worker = new Worker(new URL('../fixtures/producer-consumer-tasks.mjs', import.meta.url))
    this.#all.add(worker)
    return worker
  }

  async terminate() {
    executors.delete(this)
    await Promise.all([...this.#all].map((worker) => worker.terminate()))
  }
}

afterEach(() => Promise.all([...executors].map((executor) => executor.terminate())))
