import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type TransferListItem, Worker } from 'node:worker_threads'
import type { Cost } from '../../report.js'
import type { MessageKind } from './messages.js'
import type { SendingEnd, TakingEnd } from './ways.js'

/** What a partner is at the beginning told of what it will have to do: one end of each way that is measured. */
export interface TakingPart {
  readonly side: 'take'
  readonly kind: MessageKind
  readonly ends: readonly TakingEnd[]
}

export interface SendingPart {
  readonly side: 'send'
  readonly kind: MessageKind
  readonly ends: readonly SendingEnd[]
}

export type Part = SendingPart | TakingPart

/** What a partner is told each time: over which of the ways, and how many messages. */
export interface Order {
  readonly which: number
  readonly calls: number
}

/** What a partner says: that it is there, and what it has cost. */
type Message = 'ready' | Cost

type Settle = { resolve: (message: Message) => void; reject: (reason: Error) => void }

/** One side of the ways that are measured: a thread or another process, which ends with this one. */
export class Partner {
  readonly #send: (order: Order) => Promise<void>
  readonly #end: () => Promise<unknown>
  #next: Settle | undefined
  #failure: Error | undefined
  #used = 0

  private constructor(
    other: Worker | ChildProcess,
    send: (order: Order) => Promise<void>,
    end: () => Promise<unknown>,
  ) {
    this.#send = send
    this.#end = end
    other.on('message', (message: Message) => this.#next?.resolve(message))
    other.on('error', (error: Error) => this.#fail(error))
    other.on('exit', (code: number | null) => this.#fail(new Error(`the other side ended with code ${code}`)))
  }

  /** Resolves when it has opened its end of all ways. */
  static async inThread(part: Part): Promise<Partner> {
    const ports = part.ends.flatMap((end): TransferListItem[] => (end.way === 'port' ? [end.port] : []))
    const worker = new Worker(new URL('./partner-thread.js', import.meta.url), {
      workerData: part,
      transferList: ports,
    })
    return await Partner.#ready(
      new Partner(
        worker,
        async (order) => worker.postMessage(order),
        () => worker.terminate(),
      ),
    )
  }

  /** The same, for a process, which takes. `process` is for those whose way is its own channel. */
  static async inProcess(
    part: TakingPart,
    serialization: 'json' | 'advanced' = 'json',
  ): Promise<{ partner: Partner; process: ChildProcess }> {
    const program = fileURLToPath(new URL('./partner-process.js', import.meta.url))
    const child = fork(program, [JSON.stringify(part)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization,
    })
    const partner = new Partner(
      child,
      // Written before this process may block.
      (order) => new Promise((resolve, reject) => child.send(order, (error) => (error ? reject(error) : resolve()))),
      async () => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const exit = once(child, 'exit')
        child.kill()
        await exit
      },
    )
    return { partner: await Partner.#ready(partner), process: child }
  }

  /** The processor time that its orders have used so far, in µs; only if it is a process. */
  get used(): number {
    return this.#used
  }

  /** Tells it to begin. Resolves when it has been told; `cost` resolves when it is done. */
  async begin(order: Order): Promise<{ cost: Promise<Message> }> {
    const cost = this.#message()
    await this.#send(order)
    return { cost }
  }

  close(): Promise<unknown> {
    this.#next = undefined
    return this.#end()
  }

  static async #ready(partner: Partner): Promise<Partner> {
    await partner.#message()
    return partner
  }

  async #message(): Promise<Message> {
    if (this.#failure !== undefined) throw this.#failure
    const message = await new Promise<Message>((resolve, reject) => {
      this.#next = { resolve, reject }
    })
    if (typeof message === 'object') this.#used += message.cpu
    return message
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#next?.reject(this.#failure)
  }
}
