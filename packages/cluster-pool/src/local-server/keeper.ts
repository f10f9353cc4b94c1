import { type ChildProcess, spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { ClusterError } from '../errors.js'
import { keeperAddress } from '../keeper-address.js'
import type { KeeperMessage, KeeperOrder, Prepare, Prepared, Running, ServerEnd } from './keeper-message.js'
import { howEnded } from './run-program.js'

interface Waiting {
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
}

/**
 * The process that owns a server, seen from the program. It does not keep the program alive, and ends soon after it.
 *
 * Invariant: an order that was sent is answered, or rejected at the end of the process.
 */
export class Keeper {
  readonly #process: ChildProcess
  readonly #exit: Promise<void>
  readonly #waiting = new Map<number, Waiting>()
  #orders = 0
  #temporaryFolder: string | undefined
  #end: ServerEnd | undefined
  /** Called when the server that runs has ended, or this process. */
  #onOver: () => void = () => undefined
  #pid: number | undefined
  /** How the process has ended; undefined: it has not */
  #ended: string | undefined
  #isClean = false

  constructor() {
    this.#process = spawn(process.execPath, [fileURLToPath(keeperAddress)], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      // A process group of its own: who kills the program's group by SIGKILL must not kill the one that tidies up after it.
      detached: process.platform !== 'win32',
      windowsHide: true,
    })
    this.#process.on('message', (message: KeeperMessage) => this.#receive(message))
    this.#exit = new Promise((resolve) => {
      const onEnd = (how: string) => {
        this.#ended ??= how
        for (const { reject } of this.#waiting.values()) reject(this.#lost())
        this.#waiting.clear()
        this.#onOver()
        resolve()
      }
      this.#process.once('exit', (code, signal) => {
        this.#isClean = code === 0
        onEnd(howEnded(code, signal))
      })
      this.#process.on('error', (error) => {
        if (this.#process.pid === undefined) onEnd(`before it began: ${error.message}`)
      })
    })
    this.#process.unref()
    this.#process.channel?.unref()
  }

  /** Makes the server's folder and all else that it needs. */
  async prepare(order: Omit<Prepare, 'do'>): Promise<Prepared> {
    const prepared = await this.#ask<Prepared>({ do: 'prepare', ...order })
    if (order.dataDir === undefined) this.#temporaryFolder = prepared.folder
    return prepared
  }

  /** Starts the server, and resolves before it answers. `over` resolves when it has ended, or nobody knows any more. */
  async run(port: number): Promise<Running & { readonly over: Promise<void> }> {
    const over = new Promise<void>((resolve) => {
      this.#onOver = resolve
    })
    const { pid } = await this.#ask<Running>({ do: 'run', port })
    this.#pid = pid
    return { pid, over }
  }

  /** Ends the server, if it runs. */
  endServer(): Promise<undefined> {
    return this.#ask({ do: 'end' })
  }

  /**
   * How this run of the server has ended; undefined: it has not.
   *
   * @throws ClusterError `ERR_NO_SERVER`: this process has ended, so nobody knows
   */
  endOf(pid: number): ServerEnd | undefined {
    if (this.#ended !== undefined) throw this.#lost()
    return this.#end?.pid === pid ? this.#end : undefined
  }

  /** Ends the server and this process. Resolves when they are gone, and the temporary folder with them. */
  async close(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect()
    await this.#exit
    if (this.#isClean) return
    // It was killed, and could not tidy up.
    if (this.#pid !== undefined && this.#end?.pid !== this.#pid) kill(this.#pid)
    if (this.#temporaryFolder !== undefined)
      await rm(this.#temporaryFolder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }

  async #ask<Value>(order: KeeperOrder['order']): Promise<Value> {
    if (this.#ended !== undefined || !this.#process.connected) {
      await this.#exit
      throw this.#lost()
    }
    return new Promise((resolve, reject) => {
      const id = ++this.#orders
      this.#waiting.set(id, { resolve, reject })
      // What cannot be sent is rejected at the end of the process, which is near then.
      this.#process.send({ id, order } satisfies KeeperOrder, undefined, undefined, () => undefined)
    })
  }

  #receive(message: KeeperMessage): void {
    if ('ended' in message) {
      this.#end = message.ended
      this.#onOver()
      return
    }
    const waiting = this.#waiting.get(message.id)
    this.#waiting.delete(message.id)
    if ('problem' in message) waiting?.reject(new ClusterError('ERR_NO_SERVER', message.problem))
    else waiting?.resolve(message.value as never)
  }

  #lost(): ClusterError {
    return new ClusterError('ERR_NO_SERVER', `the process that looks after the local server has ended ${this.#ended}`)
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended as well.
  }
}
