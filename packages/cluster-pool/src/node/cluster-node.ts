import { availableParallelism } from 'node:os'
import { holdProcess, invalidArgument, letProcessGo } from '@heddle/pool-core/building-blocks'
import type { Cluster } from '../connection/cluster.js'
import { serverOf } from '../connection/cluster-server.js'
import type { Unsubscribe } from '../connection/server.js'
import { TaskWorker } from '../pool/task-queue.js'
import { cancelChannel } from '../pool/wire.js'
import { longOutcomeOf } from './long-outcome.js'
import { type ClusterNodeOptions, type NodeExecutor, type NodeSettings, nodeSettingsOf } from './node-options.js'
import { NodeRuns } from './node-runs.js'
import { ReplySender } from './reply-sender.js'

/** What a node does: a snapshot. */
export interface ClusterNodeStats {
  /** Tasks that it has taken, and that have no outcome yet. */
  readonly running: number
  /** Tasks that have come to an outcome here, since it was started. */
  readonly done: number
}

/**
 * Runs the tasks of a cluster pool on this machine.
 *
 * It runs only tasks that it was given at its start: callers name them. Their bodies run in the executor's threads or processes,
 * so that the node's own event loop is free to renew what it has taken. A node keeps the process alive until it is drained or
 * terminated.
 *
 * A task whose node dies, or is silent for `lockDuration`, is taken by another within `lockDuration + stalledInterval`. It is run
 * again if it is idempotent, else its caller is told `ERR_WORKER_CRASHED` with `began: true`.
 */
export class ClusterNode {
  readonly #worker: TaskWorker
  readonly #runs: NodeRuns
  readonly #ownExecutor: NodeExecutor | undefined
  readonly #unsubscribe: Unsubscribe
  /** The name of the pool whose tasks it runs. */
  readonly pool: string
  /** Milliseconds that the server may take to answer. */
  readonly #patience: number
  #hasLetGo = false
  #ending: Promise<void> | undefined
  #terminating: Promise<void> | undefined

  private constructor(
    cluster: Cluster,
    settings: NodeSettings,
    runs: NodeRuns,
    ownExecutor: NodeExecutor | undefined,
    unsubscribe: Unsubscribe,
  ) {
    this.pool = settings.pool
    this.#runs = runs
    this.#ownExecutor = ownExecutor
    this.#patience = serverOf(cluster).serverTimeout
    this.#unsubscribe = unsubscribe
    this.#worker = new TaskWorker(cluster, settings.pool, settings, {
      run: (task) => runs.run(task),
      onStored: (id) => runs.onStored(id),
      onBroken: (id) => runs.onBroken(id),
      onLost: (ids) => {
        for (const id of ids) runs.lose(id)
      },
      onError: settings.onError,
    })
    holdProcess()
  }

  /**
   * Starts to take tasks. Resolves when the server has this node.
   *
   * @throws (rejects) ClusterError `ERR_SERVER_UNAVAILABLE`: no answer from the server
   * @throws (rejects) TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, or no executor and no
   * `@heddle/worker-pool` installed; nothing was started
   */
  static async start(cluster: Cluster, options: ClusterNodeOptions): Promise<ClusterNode> {
    const server = serverOf(cluster)
    const settings = nodeSettingsOf(options, availableParallelism())
    const ownExecutor = settings.executor ? undefined : await threadPool(settings.concurrency)
    const executor = settings.executor ?? (ownExecutor as NodeExecutor)
    const runs = new NodeRuns(settings.registry, executor, new ReplySender(server.notices), longOutcomeOf(server))
    let node: ClusterNode | undefined
    let unsubscribe: Unsubscribe = () => undefined
    try {
      unsubscribe = await server.notices.subscribe(cancelChannel(settings.pool), {
        onMessage: (message) => {
          for (const id of idsOf(message)) runs.cancel(id)
        },
        // It could not tell anybody what its tasks come to.
        onClosed: () => void node?.terminate(),
      })
      node = new ClusterNode(cluster, settings, runs, ownExecutor, unsubscribe)
      await node.#worker.ready()
      return node
    } catch (error) {
      unsubscribe()
      await (node?.terminate() ?? ownExecutor?.terminate())
      throw error
    }
  }

  stats(): ClusterNodeStats {
    return { running: this.#runs.running, done: this.#runs.done }
  }

  /**
   * Takes no more tasks, and resolves when those that run have ended and what they came to is stored. Called again, it waits for
   * the same end.
   */
  drain(): Promise<void> {
    this.#ending ??= this.#drain()
    return this.#ending
  }

  /**
   * Takes no more tasks and ends those that run: other nodes get them at once, under the same rules as after a death of this
   * node.
   */
  terminate(): Promise<void> {
    this.#terminating ??= this.#terminate()
    this.#ending ??= this.#terminating
    return this.#terminating
  }

  /** The same as {@link drain}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.drain()
  }

  async #drain(): Promise<void> {
    await this.#worker.close(this.#patience)
    this.#unsubscribe()
    await this.#ownExecutor?.drain()
    this.#letGo()
  }

  async #terminate(): Promise<void> {
    const closing = this.#worker.close(this.#patience)
    this.#runs.end()
    await closing
    this.#unsubscribe()
    await this.#ownExecutor?.terminate()
    this.#letGo()
  }

  #letGo(): void {
    if (this.#hasLetGo) return
    this.#hasLetGo = true
    letProcessGo()
  }
}

/** @throws (rejects) TypeError `ERR_INVALID_ARG` */
async function threadPool(maxWorkers: number): Promise<NodeExecutor> {
  const module = await import('@heddle/worker-pool').catch((cause: unknown) => {
    const what = 'a node needs an executor to run tasks in: npm install @heddle/worker-pool, or give it one'
    throw Object.assign(invalidArgument(what), { cause })
  })
  return new module.ThreadPoolManager({ maxWorkers, maxQueued: Number.POSITIVE_INFINITY })
}

/** What is no list of ids is no message of ours. */
function idsOf(message: string): readonly string[] {
  try {
    const ids: unknown = JSON.parse(message)
    return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : []
  } catch {
    return []
  }
}
