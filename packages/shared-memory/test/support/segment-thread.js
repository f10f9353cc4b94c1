import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** A worker thread with one of the jobs of `fixtures/segments/thread.mjs`. */
export class SegmentThread {
  #worker
  #messages = []
  #waiting = []
  #exited

  constructor(job, data = {}, options = {}) {
    this.#worker = new Worker(new URL('../fixtures/segments/thread.mjs', import.meta.url), {
      ...options,
      workerData: { job, ...data },
    })
    this.#exited = once(this.#worker, 'exit')
    const deliver = (message) => {
      const waiting = this.#waiting.shift()
      if (waiting) waiting(message)
      else this.#messages.push(message)
    }
    this.#worker.on('message', deliver)
    this.#worker.on('error', (error) => deliver({ failure: String(error) }))
  }

  /** The next thing that it says: that it holds what it was to hold, or what the job came to. */
  async next() {
    const message = this.#messages.shift() ?? (await new Promise((resolve) => this.#waiting.push(resolve)))
    if (message.failure !== undefined) throw new Error(message.failure)
    return message
  }

  async result() {
    const { result } = await this.next()
    await this.#exited
    return result
  }

  async terminate() {
    await this.#worker.terminate()
  }
}
