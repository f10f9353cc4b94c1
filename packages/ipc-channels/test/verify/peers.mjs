// Threads and processes that do as they are told, for all that is verified here.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { Segment } from '@heddle/shared-memory'
import { ThreadMemory, trackWorker } from '@heddle/sync-primitives'

/** Memory that peers of a kind share. */
export function makeMemory(kind, bytes, participants) {
  return kind === 'process'
    ? Segment.create({ size: bytes, participants })
    : ThreadMemory.create({ bytes, participants })
}

/** The same in a peer. */
export const openMemory = (handle) =>
  handle.memory === 'thread' ? ThreadMemory.of(handle.buffer) : Segment.fromHandle(handle)

/** A thread or a process that runs a program of this folder. */
export class Peer {
  /** Told of each process, of its end, and of how far those who use them have come. */
  static whenStarted
  static whenEnded
  static whenReached
  /** Fulfilled with its exit code or signal. */
  ended
  hasEnded = false
  #kind
  #port
  #heard = []
  #listeners = []

  constructor(kind, program) {
    this.#kind = kind
    const url = new URL(program, import.meta.url)
    if (kind === 'process') this.#port = fork(fileURLToPath(url), { execArgv: [], serialization: 'json' })
    else {
      this.#port = new Worker(url)
      trackWorker(this.#port)
      this.#port.on('error', (error) => this.#hear({ wrong: error.stack }))
    }
    if (this.pid !== undefined) Peer.whenStarted?.(this.pid)
    this.#port.on('message', (message) => this.#hear(message))
    this.ended = new Promise((resolve) => {
      this.#port.once('exit', (code, signal) => {
        this.hasEnded = true
        if (this.pid !== undefined) Peer.whenEnded?.(this.pid)
        this.#hear(undefined)
        resolve(signal ?? code)
      })
    })
  }

  get pid() {
    return this.#port.pid
  }

  #hear(message) {
    const listener = this.#listeners.shift()
    if (listener) listener(message)
    else this.#heard.push(message)
  }

  send(message) {
    if (this.#kind === 'process')
      this.#port.send(message, () => {}) // to one who has died it does not get
    else this.#port.postMessage(message)
  }

  /** The next message; undefined: it has ended. */
  hears() {
    if (this.#heard.length > 0) return Promise.resolve(this.#heard.shift())
    if (this.hasEnded) return Promise.resolve(undefined)
    return new Promise((resolve) => this.#listeners.push(resolve))
  }

  /** What was said and not heard yet. */
  takeHeard() {
    return this.#heard.splice(0).filter((message) => message !== undefined)
  }

  /** Ends it at whatever it is doing. A process is a zombie until this one has collected it; a thread runs on for a moment. */
  kill() {
    if (this.hasEnded) return
    if (this.#kind === 'process') this.#port.kill('SIGKILL')
    else void this.#port.terminate()
  }

  async end() {
    this.kill()
    await this.ended
  }
}
