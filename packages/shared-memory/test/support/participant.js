import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../fixtures/segments/participant.mjs', import.meta.url))

/** A process that takes part in segments. `await using`: it has ended at the end of the block. */
export class ParticipantProcess {
  #child
  #ended

  constructor() {
    this.#child = fork(program, { serialization: 'json' })
    this.#ended = once(this.#child, 'exit')
  }

  get pid() {
    return this.#child.pid
  }

  /** What the command came to: its result, or an error with its code. */
  async do(command, rest = {}) {
    const answer = new Promise((resolve) => {
      this.#child.once('message', resolve)
    })
    const ended = this.#ended.then(() => {
      throw new Error(`the process ended before it had done: ${command}`)
    })
    this.#child.send({ command, ...rest })
    const { result, ...error } = await Promise.race([answer, ended])
    if (error.message === undefined) return result
    throw Object.assign(new Error(error.message), error)
  }

  async kill(signal = 'SIGKILL') {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    process.kill(this.#child.pid, signal)
    await this.#ended
  }

  async [Symbol.asyncDispose]() {
    await this.kill()
  }
}
