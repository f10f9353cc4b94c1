import { Worker } from 'node:worker_threads'
import { afterEach } from '@jest/globals'

const running = new Set()

export class QueueWorker {
  #worker = new Worker(new URL('../fixtures/queue-worker.mjs', import.meta.url))
  #pending = new Map()
  #lastId = 0

  constructor() {
    running.add(this)
    this.#worker.on('message', (reply) => {
      this.#pending.get(reply.id)(reply)
      this.#pending.delete(reply.id)
    })
    this.#worker.on('error', (error) => {
      for (const [id, settle] of this.#pending) settle({ id, failure: error })
    })
  }

  static async withQueues(queues) {
    const worker = new QueueWorker()
    for (const [name, queue] of Object.entries(queues)) await worker.open(name, queue)
    return worker
  }

  open(name, queue) {
    return this.run('open', { name, handle: queue.toHandle() })
  }

  run(operation, parameters = {}) {
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve, reject) => {
      this.#pending.set(id, ({ value, failure }) => {
        if (failure) reject(Object.assign(new Error(failure.message), failure))
        else resolve(value)
      })
      this.#worker.postMessage({ id, operation, ...parameters })
    })
  }

  async terminate() {
    running.delete(this)
    await this.#worker.terminate()
  }
}

afterEach(() => Promise.all([...running].map((worker) => worker.terminate())))
