import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClusterPoolManager } from '@heddle/cluster-pool'
import { UsageError } from '../../cli/exit-codes.js'
import type { Batch } from '../index-batch.js'
import { Job, type JobOptions } from '../job.js'
import type { IndexResult } from '../merge.js'
import { Slices } from '../slices.js'
import { concurrency, lockDuration, stalledInterval } from './limits.js'
import type { NodeProcess } from './node-process.js'
import { Nodes } from './nodes.js'
import type { Place } from './place.js'
import { indexOnNode, type NodeBatch } from './tasks.js'

const pool = 'index'
/** Results that may wait for an earlier one, such as one that is lost and has to be made again. */
const mostAhead = 256

const nodeCount = 2

/** The death of a node. */
export interface Kill {
  readonly node: NodeProcess
  /** On the clock of `performance`. */
  readonly at: number
  /** Batches that were in, of all that there are. */
  readonly done: number
  readonly batches: number
}

export interface ClusterOutcome {
  readonly result: IndexResult
  /** Undefined: no node was killed, though one was to be. */
  readonly kill: Kill | undefined
  /** The process that has done each batch, in their order. */
  readonly doneBy: readonly number[]
}

/** One run of the demo on a cluster. */
export class ClusterRun implements AsyncDisposable {
  readonly nodes: Nodes
  readonly #place: Place
  readonly #id: string

  private constructor(place: Place, nodes: Nodes, id: string) {
    this.#place = place
    this.nodes = nodes
    this.#id = id
  }

  /** Starts the nodes. */
  static async start(place: Place, signal: AbortSignal): Promise<ClusterRun> {
    const { cluster, prefix } = place
    const id = randomUUID()
    const limits = { concurrency, lockDuration, stalledInterval }
    const nodes = await Nodes.start(nodeCount, { url: cluster.url, prefix, pool, run: id, ...limits }, signal)
    return new ClusterRun(place, nodes, id)
  }

  /**
   * Indexes a folder on the nodes, each batch as a task, and kills one of them when half of the results are in.
   *
   * @param onKill - called when it has been killed
   * @throws UsageError: there is no file
   */
  async index(options: JobOptions, onKill: (kill: Kill) => void): Promise<ClusterOutcome> {
    const signal = AbortSignal.any([options.signal, this.nodes.failed])
    const job = new Job(options)
    const batches: Batch[] = []
    for await (const batch of job.batches(new Slices(signal))) batches.push(batch)
    if (batches.length === 0)
      throw new UsageError('there is no file in it, so there is nothing to lose: give another folder with --input DIR')
    const half = Math.floor(batches.length / 2)
    const folder = await mkdtemp(join(tmpdir(), 'heddle-cluster-'))
    const manager = new ClusterPoolManager(this.#place.cluster, { name: pool })
    const doneBy: number[] = []
    let kill: Kill | undefined
    const killWhenHalf = () => {
      if (doneBy.length < half || !waiting || kill) return
      this.nodes.kill(waiting)
      kill = { node: waiting, at: performance.now(), done: doneBy.length, batches: batches.length }
      onKill(kill)
    }
    let waiting: NodeProcess | undefined
    for (const node of this.nodes.all)
      void node.waits.then(() => {
        waiting = node
        killWhenHalf()
      })
    try {
      const items = this.#items(batches, half, join(folder, 'waits'))
      for await (const { pid, result } of manager.map(indexOnNode, items, { concurrency: mostAhead, signal })) {
        job.add(batches[doneBy.length] as Batch, result)
        doneBy.push(pid)
        killWhenHalf()
      }
      return { result: job.finish(), kill, doneBy }
    } finally {
      await manager.terminate()
      await rm(folder, { recursive: true, force: true })
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.nodes[Symbol.asyncDispose]()
  }

  *#items(batches: readonly Batch[], half: number, fatalFile: string): Generator<NodeBatch, void, void> {
    for (const [number, batch] of batches.entries())
      yield { run: this.#id, number, batch, fatalFile: number < half ? undefined : fatalFile }
  }
}
