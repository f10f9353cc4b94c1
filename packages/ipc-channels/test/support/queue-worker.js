import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterEach } from '@jest/globals'

const program = new URL('../fixtures/queue-worker.mjs', import.meta.url)
const running = new Set()

class Side {
  #pending = new Map()
  #lastId = 0

  /** For what the side says; and what it leaves unanswered when it ends. */
  listenTo(port) {
    running.add(this)
    port.on('message', (reply) => {
      this.#pending.get(reply.id)(reply)
      this.#pending.delete(reply.id)
    })
    const fail = (failure) => {
      for (const [id, settle] of this.#pending) settle({ id, failure })
      this.#pending.clear()
    }
    port.on('error', fail)
    port.on('exit', () => fail({ message: 'it has ended' }))
  }

  async openAll(queues) {
    for (const [name, queue] of Object.entries(queues)) await this.open(name, queue)
    return this
  }

  open(name, queue) {
    return this.run('open', { name, handle: queue.toHandle() })
  }

  run(operation, parameters = {}) {
    this.#lastId += 1
    const id = this.#lastId
    const promise = new Promise((resolve, reject) => {
      this.#pending.set(id, ({ value, failure }) => {
        if (failure) reject(Object.assign(new Error(failure.message), failure))
        else resolve(value)
      })
      this.send({ id, operation, ...parameters })
    })
    promise.catch(() => {}) // who is ended in the middle of it answers nothing
    return promise
  }
}

export class QueueWorker extends Side {
  #worker = new Worker(program)

  constructor() {
    super()
    this.listenTo(this.#worker)
  }

  static withQueues(queues) {
    return new QueueWorker().openAll(queues)
  }

  send(message) {
    this.#worker.postMessage(message)
  }

  async terminate() {
    running.delete(this)
    await this.#worker.terminate()
  }
}

export class QueueProcess extends Side {
  #child = fork(program, { execArgv: [], serialization: 'advanced' })

  constructor() {
    super()
    this.listenTo(this.#child)
  }

  static withQueues(queues) {
    return new QueueProcess().openAll(queues)
  }

  send(message) {
    this.#child.send(message, () => {}) // to one who has died it does not get
  }

  signal(name) {
    this.#child.kill(name)
  }

  async terminate() {
    running.delete(this)
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }
}

afterEach(() => Promise.all([...running].map((side) => side.terminate())))
