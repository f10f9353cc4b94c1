import { fork } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { afterEach } from '@jest/globals'

const running = new Set()
const program = new URL('../fixtures/priority-peer.mjs', import.meta.url)

export class PriorityPeer {
  #pending = new Map()
  #lastId = 0
  #send
  #end
  #ended

  constructor(port, send, end) {
    running.add(this)
    this.#send = send
    this.#end = end
    port.on('message', (reply) => {
      this.#pending.get(reply.id)(reply)
      this.#pending.delete(reply.id)
    })
    port.on('error', (failure) => this.#fail(failure))
    this.#ended = new Promise((resolve) => {
      port.once('exit', () => {
        this.#fail({ message: 'it has ended' })
        resolve()
      })
    })
  }

  static thread(queues) {
    const worker = new Worker(program)
    const peer = new PriorityPeer(
      worker,
      (message) => worker.postMessage(message),
      () => worker.terminate(),
    )
    return peer.#open(queues)
  }

  static process(queues) {
    const child = fork(program, { execArgv: [], serialization: 'json' })
    const peer = new PriorityPeer(
      child,
      (message) => child.send(message, () => {}), // to one who has died it does not get
      () => child.kill('SIGKILL'),
    )
    return peer.#open(queues)
  }

  async #open(queues) {
    for (const [name, queue] of Object.entries(queues)) await this.run('open', { name, handle: queue.toHandle() })
    return this
  }

  run(operation, parameters = {}) {
    this.#lastId += 1
    const id = this.#lastId
    const promise = new Promise((resolve, reject) => {
      this.#pending.set(id, ({ value, failure }) => {
        if (failure) reject(Object.assign(new Error(failure.message), failure))
        else resolve(value)
      })
    })
    promise.catch(() => {}) // who is killed answers nothing
    this.#send({ id, operation, parameters })
    return promise
  }

  call(name, method, ...args) {
    return this.run('call', { name, method, args })
  }

  async kill() {
    running.delete(this)
    this.#end()
    await this.#ended
  }

  #fail(failure) {
    for (const settle of this.#pending.values()) settle({ failure })
    this.#pending.clear()
  }
}

afterEach(() => Promise.all([...running].map((peer) => peer.kill())))
