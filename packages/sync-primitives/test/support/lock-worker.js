import { Worker } from 'node:worker_threads'
import { afterAll, afterEach } from '@jest/globals'

const busy = new Set()
const idle = []

export class LockWorker {
  #worker = new Worker(new URL('../fixtures/lock-worker.mjs', import.meta.url))
  #pending = new Map()
  #lastId = 0

  constructor() {
    this.#worker.on('message', (reply) => this.#settle(reply))
    this.#worker.on('error', (failure) => {
      for (const id of this.#pending.keys()) this.#settle({ id, failure })
    })
  }

  static async withObjects(objects) {
    const worker = idle.pop() ?? new LockWorker()
    busy.add(worker)
    for (const [name, object] of Object.entries(objects)) await worker.run('open', { name, handle: object.toHandle() })
    return worker
  }

  get hasPending() {
    return this.#pending.size > 0
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

  #settle(reply) {
    const settle = this.#pending.get(reply.id)
    this.#pending.delete(reply.id)
    settle(reply)
  }

  async terminate() {
    busy.delete(this)
    await this.#worker.terminate()
  }
}

// A thread that is through with its test serves the next one.
afterEach(async () => {
  for (const worker of busy) {
    if (worker.hasPending) await worker.terminate()
    else idle.push(worker)
  }
  busy.clear()
})

afterAll(() => Promise.all(idle.map((worker) => worker.terminate())))
