import { Worker } from 'node:worker_threads'
import { afterAll, afterEach } from '@jest/globals'

const busy = new Set()
const idle = new Set()

export class MortalWorker {
  #worker
  #pending = new Map()
  #lastId = 0
  ended
  isLimited

  constructor(resourceLimits) {
    this.isLimited = resourceLimits !== undefined
    this.#worker = new Worker(new URL('../fixtures/mortal-worker.mjs', import.meta.url), { resourceLimits })
    this.#worker.on('message', (reply) => {
      this.#pending.get(reply.id)(reply)
      this.#pending.delete(reply.id)
    })
    this.#worker.on('error', () => {}) // how it ends is up to the test
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        busy.delete(this)
        idle.delete(this)
        for (const settle of this.#pending.values()) settle({ failure: { message: 'the thread has ended' } })
        resolve(code)
      })
    })
  }

  static async withObjects(objects, { options = {}, resourceLimits } = {}) {
    const worker = resourceLimits ? new MortalWorker(resourceLimits) : MortalWorker.#idleOrNew()
    busy.add(worker)
    for (const [name, object] of Object.entries(objects))
      await worker.run('open', { name, handle: object.toHandle(), ...options })
    return worker
  }

  static #idleOrNew() {
    const [worker = new MortalWorker()] = idle
    idle.delete(worker)
    return worker
  }

  get hasPending() {
    return this.#pending.size > 0
  }

  get worker() {
    return this.#worker
  }

  run(operation, parameters = {}) {
    this.#lastId += 1
    const id = this.#lastId
    const promise = new Promise((resolve, reject) => {
      this.#pending.set(id, ({ value, failure }) => {
        if (failure) reject(Object.assign(new Error(failure.message), failure))
        else resolve(value)
      })
      this.#worker.postMessage({ id, operation, ...parameters })
    })
    // Whoever dies answers nothing.
    promise.catch(() => {})
    return promise
  }

  async terminate() {
    await this.#worker.terminate()
    await this.ended
  }
}

// A thread that has survived its test serves the next one.
afterEach(async () => {
  const leftOver = Array.from(busy)
  busy.clear()
  for (const worker of leftOver) {
    if (worker.hasPending || worker.isLimited) await worker.terminate()
    else idle.add(worker)
  }
})

afterAll(() => Promise.all([...idle].map((worker) => worker.terminate())))
