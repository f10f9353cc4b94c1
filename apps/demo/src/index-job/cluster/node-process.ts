import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { NodeNews } from './tasks.js'

export interface NodeProcessOptions {
  /** The server, with its password. */
  readonly url: string
  readonly prefix: string
  readonly pool: string
  /** How many batches it takes at a time. */
  readonly concurrency: number
  /** See ClusterNodeOptions. */
  readonly lockDuration: number
  readonly stalledInterval: number
  /** The run whose batches count. */
  readonly run: string
}

const program = new URL('./heddle-node.js', import.meta.resolve('@heddle/cluster-pool'))
const tasks = new URL('./tasks.js', import.meta.url)
const tie = new URL('./end-with-parent.js', import.meta.url)
const mostErrorText = 2_000
/** Milliseconds that it may take to end in good order, with nothing to do. */
const endMs = 3_000

/**
 * A node of the cluster: the command heddle-node in a process of its own, as it is started on any machine.
 *
 * Invariant: `begun` is complete when `ended` has resolved.
 */
export class NodeProcess {
  /** When each batch was begun here first, on the clock of `performance`. */
  readonly begun = new Map<number, number>()
  /** Resolves when it takes tasks, or has ended before. */
  readonly ready: Promise<void>
  /** Resolves when a batch here waits to be killed. */
  readonly waits: Promise<void>
  /** Resolves when the process has ended and all that it has printed was read. */
  readonly ended: Promise<void>
  readonly #child: ChildProcess
  readonly #run: string
  #errors = ''
  #onReady: () => void = () => undefined
  #onWaits: () => void = () => undefined

  constructor({ url, prefix, pool, concurrency, lockDuration, stalledInterval, run }: NodeProcessOptions) {
    this.#run = run
    const options = { pool, prefix, concurrency, lock: lockDuration, stalled: stalledInterval }
    this.#child = spawn(
      process.execPath,
      [
        '--import',
        tie.href,
        fileURLToPath(program),
        '--tasks',
        fileURLToPath(tasks),
        ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
      ],
      // The address by the environment, as others can read arguments.
      { env: { ...process.env, HEDDLE_URL: url }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], windowsHide: true },
    )
    this.ended = new Promise((resolve) => this.#child.once('close', () => resolve()))
    this.ready = new Promise((resolve) => {
      this.#onReady = resolve
      this.ended.then(resolve, resolve)
    })
    this.waits = new Promise((resolve) => {
      this.#onWaits = resolve
    })
    this.#child.once('error', (error) => this.#note(error.message))
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#note(text))
    const output = this.#child.stdout
    if (output) createInterface({ input: output }).on('line', (line) => this.#read(line))
  }

  /** 0: it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0
  }

  get isAlive(): boolean {
    return this.pid !== 0 && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** What it has complained of last. */
  get errors(): string {
    return this.#errors.trim()
  }

  /** Ends it at once, whatever it does. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  /** Lets it end in good order. */
  async end(): Promise<void> {
    this.#child.kill('SIGTERM')
    const late = setTimeout(() => this.kill(), endMs)
    await this.ended
    clearTimeout(late)
  }

  #read(line: string): void {
    if (line.startsWith('heddle-node: pool ')) {
      this.#onReady()
      return
    }
    const [news, run, number] = line.split(' ') as [NodeNews, string?, string?]
    if (run !== this.#run) return
    if (news === 'waits') this.#onWaits()
    else if (news === 'begun' && !this.begun.has(Number(number))) this.begun.set(Number(number), performance.now())
  }

  #note(text: string): void {
    this.#errors = `${this.#errors}${text}`.slice(-mostErrorText)
  }
}
