import { fork } from 'node:child_process'
import { once } from 'node:events'

const program = new URL('../fixtures/cache-process.mjs', import.meta.url)

export class CacheProcess {
  #child = fork(program, { execArgv: [], serialization: 'json' })
  #ended = once(this.#child, 'exit')
  #pending = new Map()
  #onInside = () => {}
  #lastId = 0
  inside = new Promise((resolve) => {
    this.#onInside = resolve
  })

  constructor() {
    this.#child.on('message', ({ id, value, failure, inside }) => {
      if (inside) return this.#onInside()
      const { resolve, reject } = this.#pending.get(id)
      if (failure) reject(Object.assign(new Error(failure.message), failure))
      else resolve(value)
    })
  }

  get pid() {
    return this.#child.pid
  }

  do(command, data = {}) {
    this.#lastId += 1
    const id = this.#lastId
    const answer = new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }))
    this.#child.send({ id, command, ...data })
    return answer
  }

  call(method, ...args) {
    return this.do('call', { method, args })
  }

  async kill() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) process.kill(this.pid, 'SIGKILL')
    await this.#ended
  }

  async [Symbol.asyncDispose]() {
    await this.kill()
  }
}
