import { constants } from 'node:os'

const graceMs = 1_000
// SIGHUP says that the terminal was closed. That `nohup` has it ignored changes nothing: Node undoes that when it starts.
const watched = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Turns SIGINT, SIGTERM and SIGHUP into an abort signal, so that a command ends its threads and cleans the screen before it goes. */
export class Interruption {
  readonly #controller = new AbortController()
  #caught: NodeJS.Signals | undefined

  constructor() {
    for (const name of watched) process.on(name, this.#catch)
  }

  /** Aborts at the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** The first signal that came. */
  get caught(): NodeJS.Signals | undefined {
    return this.#caught
  }

  /** 128 and the signal's number; undefined if none came. */
  get exitCode(): number | undefined {
    return this.#caught && 128 + constants.signals[this.#caught]
  }

  readonly #catch = (name: NodeJS.Signals): void => {
    // A terminal signals the whole group and a runner hands its signal on as well: the second one says nothing new.
    if (this.#caught !== undefined) return
    this.#caught = name
    this.#controller.abort(new Error(`ended by ${name}`))
    // A thread may hang in a system call, on a file system that does not answer; then the signal's own effect is what ends us.
    setTimeout(() => {
      for (const each of watched) process.off(each, this.#catch)
      process.kill(process.pid, name)
    }, graceMs).unref()
  }
}
