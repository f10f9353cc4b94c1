import { NodeProcess, type NodeProcessOptions } from './node-process.js'
import { unlessAborted } from './unless-aborted.js'

/** The nodes of one run. However the run ends, they have ended when it is disposed of. */
export class Nodes implements AsyncDisposable {
  readonly all: readonly NodeProcess[]
  readonly #failure = new AbortController()
  readonly #signal: AbortSignal
  readonly #expected = new Set<NodeProcess>()

  private constructor(count: number, options: NodeProcessOptions, signal: AbortSignal) {
    this.all = Array.from({ length: count }, () => new NodeProcess(options))
    this.#signal = signal
    signal.addEventListener('abort', this.#killAll, { once: true })
    for (const [index, node] of this.all.entries())
      void node.ended.then(() => {
        if (this.#expected.has(node)) return
        const why = node.errors === '' ? '' : `: ${node.errors}`
        this.#failure.abort(new Error(`node ${index + 1} has ended, and nobody has asked it to${why}`))
      })
  }

  /**
   * Starts nodes, and waits until they take tasks.
   *
   * @throws the reason of `signal`; Error: one of them has ended
   */
  static async start(count: number, options: NodeProcessOptions, signal: AbortSignal): Promise<Nodes> {
    signal.throwIfAborted()
    const nodes = new Nodes(count, options, signal)
    try {
      await unlessAborted(Promise.all(nodes.all.map(({ ready }) => ready)), signal)
      nodes.failed.throwIfAborted()
      return nodes
    } catch (error) {
      await nodes[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Aborts when one has ended that was to go on. */
  get failed(): AbortSignal {
    return this.#failure.signal
  }

  /** Kills one by SIGKILL. */
  kill(node: NodeProcess): void {
    this.#expected.add(node)
    node.kill()
  }

  /** Ends those that are left in good order, and waits until all have ended. */
  async end(): Promise<void> {
    for (const node of this.all) this.#expected.add(node)
    await Promise.all(this.all.map((node) => (node.isAlive ? node.end() : node.ended)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal.removeEventListener('abort', this.#killAll)
    this.#killAll()
    await Promise.all(this.all.map(({ ended }) => ended))
  }

  readonly #killAll = (): void => {
    for (const node of this.all) this.kill(node)
  }
}
