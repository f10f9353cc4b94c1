import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Cost } from '../../report.js'
import type { JobData } from './jobs.js'

const program = fileURLToPath(new URL('./peer-process.js', import.meta.url))

/** What a peer is told: which of its jobs, and how often. */
export interface Order {
  readonly which: number
  readonly calls: number
}

/** What a peer says: that it is there, that it begins, an echo, what a job has cost. */
type Message = 'ready' | 'begun' | number | Cost

interface Pending<Answer> {
  readonly resolve: (answer: Answer) => void
  readonly reject: (reason: Error) => void
}

/** Another process that does jobs, one at a time, and ends with this one. */
export class Peer {
  readonly #child: ChildProcess
  #word: Pending<unknown> | undefined
  #cost: Pending<Cost> | undefined
  #echo: ((n: number) => void) | undefined
  #used = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (message) => this.#take(message as Message))
    child.on('exit', (code, signal) => {
      const reason = new Error(`the other process ended with ${signal ?? code}`)
      this.#word?.reject(reason)
      this.#cost?.reject(reason)
    })
  }

  /** Starts it; resolves when its jobs are open. */
  static async start(jobs: readonly JobData[]): Promise<Peer> {
    const peer = new Peer(fork(program, [JSON.stringify(jobs)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }))
    await peer.#nextWord()
    return peer
  }

  /** The processor time that its jobs have used so far, in µs. */
  get used(): number {
    return this.#used
  }

  /** Has it begin a job. Resolves when it does; `cost` is what the job has cost there in the end. */
  async begin(order: Order): Promise<{ cost: Promise<Cost> }> {
    const cost = new Promise<Cost>((resolve, reject) => {
      this.#cost = { resolve, reject }
    })
    const begun = this.#nextWord()
    this.#child.send(order)
    await begun
    return { cost }
  }

  /** Has it do a job, and tells what that has cost there. */
  async run(order: Order): Promise<Cost> {
    return await (await this.begin(order)).cost
  }

  /** One round trip of a number over the channel of the process, which must be at the job `echo`. */
  echo(n: number): Promise<number> {
    return new Promise((resolve) => {
      this.#echo = resolve
      this.#child.send(n)
    })
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = once(this.#child, 'exit')
    this.#child.kill()
    await exit
  }

  #nextWord(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#word = { resolve, reject }
    })
  }

  #take(message: Message): void {
    if (typeof message === 'number') this.#echo?.(message)
    else if (typeof message === 'string') this.#word?.resolve(message)
    else {
      this.#used += message.cpu
      this.#cost?.resolve(message)
    }
  }
}
