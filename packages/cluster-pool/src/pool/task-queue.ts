import { setTimeout as delay } from 'node:timers/promises'
import { createPostgresBackend, type JobsOptions, Queue, WaitingError, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Cluster } from '../connection/cluster.js'
import { addressOf, serverOf } from '../connection/cluster-server.js'
import { RedisServer } from '../connection/redis-server.js'
import type { ClusterServer } from '../connection/server.js'
import { type Outcome, outcomeOfError, readOutcome, readTaskData, type TaskData } from './wire.js'

/** A task as it is stored. */
export interface StoredTask {
  readonly id: string
  readonly name: string
  readonly data: TaskData
  readonly priority: number
}

/**
 * What the server knows of a stored task. `open`: it waits, or is with a node. `broken`: a node has run it, and could not store
 * what it came to. `unknown`: it is not there.
 */
export type StoredState = Outcome | 'open' | 'broken' | 'unknown'

/** What a worker is given of a task that it is to run. */
export interface TakenTask {
  readonly id: string
  readonly name: string
  readonly data: TaskData
  /** How often it was taken, this time included: more than once after a node has died under it. */
  readonly starts: number
}

export interface WorkerLimits {
  /** How many tasks are taken at a time. */
  readonly concurrency: number
  /** Milliseconds until a task whose node is silent is given to another. */
  readonly lockDuration: number
  /** Milliseconds at most between looks for such tasks. */
  readonly stalledInterval: number
}

export interface WorkerEvents {
  /** Runs a task; never rejects. Undefined: it has no outcome, and another node is to have it. */
  run(task: TakenTask): Promise<Outcome | undefined>
  /** The outcome is stored. */
  onStored(id: string): void
  /** The outcome could not be stored, and never will be. */
  onBroken(id: string): void
  /** Others may run these now. */
  onLost(ids: readonly string[]): void
  onError(error: Error): void
}

/** The most priorities that the engine has, the first of which is the most urgent. */
const middlePriority = 2 ** 20
const priorityScale = 64

/** Seconds that an outcome stays, for callers that have missed its reply. */
const keepSeconds = 300
/** On Redis also no more than so many: it is memory. PostgreSQL deletes by age only, where counting can deadlock. */
const keepCount = 20_000

const closeLookMs = 100

/**
 * The tasks of one pool on the server, over BullMQ: stored, waiting, taken by nodes.
 *
 * Every task has a priority, since BullMQ runs those without one before all others.
 */
export class TaskQueue {
  readonly #server: ClusterServer
  readonly #queue: Queue
  readonly #connection: Redis | undefined

  constructor(cluster: Cluster, pool: string, onError: (error: Error) => void) {
    this.#server = serverOf(cluster)
    const { options, connection, factory } = backendOf(cluster)
    this.#connection = connection
    this.#queue = new Queue(pool, { ...options, streams: { events: { maxLen: 1_000 } } }, factory)
    this.#queue.on('error', onError)
  }

  /** Resolves when all are stored. An id that is stored already is left as it is. */
  async add(tasks: readonly StoredTask[]): Promise<void> {
    const jobs = tasks.map(({ id, name, data, priority }) => ({ name, data, opts: optionsOf(id, priority) }))
    await this.#server.attempt(() => this.#queue.addBulk(jobs), { idempotent: true })
  }

  /** Takes those away that no node has taken. */
  async remove(ids: readonly string[]): Promise<void> {
    const left = ids.slice().reverse()
    const removeNext = async (): Promise<void> => {
      for (let id = left.pop(); id !== undefined; id = left.pop())
        // One that is being run is not removed, which is no error here.
        await this.#queue.remove(id).catch(() => undefined)
    }
    // Redis takes them as fast as they come. In PostgreSQL each at a time takes a connection, and a new one takes longer.
    const lanes = this.#connection ? Math.min(ids.length, 100) : 1
    const removeAll = () => Promise.all(Array.from({ length: lanes }, removeNext))
    // Also so that the program does not end under it.
    await this.#server.attempt(removeAll, { idempotent: true })
  }

  async stateOf(id: string): Promise<StoredState> {
    const job = await this.#queue.getJob(id)
    if (!job) return 'unknown'
    return job.finishedOn === undefined ? 'open' : (readOutcome(job.returnvalue) ?? 'broken')
  }

  /** For all callers and nodes of the pool. */
  async pause(): Promise<void> {
    await this.#server.attempt(() => this.#queue.pause(), { idempotent: true })
  }

  async resume(): Promise<void> {
    await this.#server.attempt(() => this.#queue.resume(), { idempotent: true })
  }

  async close(): Promise<void> {
    // A server that is away must not keep it open.
    await this.#server.attempt(() => this.#queue.close(), { idempotent: false }).catch(() => undefined)
    this.#connection?.disconnect()
  }
}

/** Takes tasks from a pool's queue, and stores what they come to. */
export class TaskWorker {
  readonly #server: ClusterServer
  readonly #worker: Worker
  readonly #connection: Redis | undefined
  #isClosing = false
  /** Tasks whose bodies run. */
  #taken = 0

  constructor(cluster: Cluster, pool: string, limits: WorkerLimits, events: WorkerEvents) {
    this.#server = serverOf(cluster)
    const { options, connection, factory } = backendOf(cluster)
    this.#connection = connection
    this.#worker = new Worker(
      pool,
      async (job, token) => {
        const { id = '', name, attemptsStarted: starts } = job
        const data = readTaskData(job.data)
        // Something that no caller of ours has stored.
        if (!data) return outcomeOfError(new TypeError('it is no task of a cluster pool'), 0)
        this.#taken += 1
        const outcome = await events.run({ id, name, data, starts }).finally(() => {
          this.#taken -= 1
        })
        if (outcome) return outcome
        await job.moveToWait(token)
        throw new WaitingError()
      },
      {
        ...options,
        concurrency: limits.concurrency,
        lockDuration: limits.lockDuration,
        // One of all nodes looks at a time, by a key that lives as long as the interval: whoever comes a little early comes in
        // vain, so that there may be two intervals between two looks.
        stalledInterval: limits.stalledInterval / 2,
        // Whether a task may run again is decided by its node, which knows whether it is idempotent.
        maxStalledCount: 1_000_000,
        removeOnComplete: connection ? { age: keepSeconds, count: keepCount } : { age: keepSeconds },
        removeOnFail: { age: keepSeconds },
        runRetryDelay: 500,
      },
      factory,
    )
    this.#worker.on('completed', (job) => events.onStored(job.id ?? ''))
    // No task fails for the engine: what they throw is an outcome. It fails to store one when the connection breaks under it.
    this.#worker.on('failed', (job) => events.onBroken(job?.id ?? ''))
    this.#worker.on('lockRenewalFailed', (ids) => events.onLost(ids))
    this.#worker.on('error', (error) => {
      // Of a task that its caller has taken away, or that another node has: both are told otherwise.
      if (!this.#isClosing && !/^Missing (key|lock) for job/.test(error.message)) events.onError(error)
    })
  }

  async ready(): Promise<void> {
    await this.#server.attempt(() => this.#worker.waitUntilReady(), { idempotent: true })
  }

  /**
   * Takes no more. Resolves when the outcomes of all that were taken are stored, or when nothing runs any more and the server has
   * not answered for so long.
   *
   * @param patience - milliseconds
   */
  async close(patience: number): Promise<void> {
    this.#isClosing = true
    let isClosed = false
    const closing = this.#worker.close().then(
      () => {
        isClosed = true
      },
      () => {
        isClosed = true
      },
    )
    let since = performance.now()
    while (!isClosed && performance.now() - since < patience) {
      await Promise.race([closing, delay(closeLookMs)])
      if (this.#taken > 0) since = performance.now()
    }
    if (!isClosed) await this.#abandon()
    this.#connection?.disconnect()
  }

  /** BullMQ's own end waits for the server, and its timers with it. */
  async #abandon(): Promise<void> {
    const { lockManager } = this.#worker as unknown as { readonly lockManager: { close(): Promise<void> } }
    await Promise.race([
      Promise.allSettled([lockManager.close(), this.#worker.disconnect()]),
      delay(closeLookMs, undefined, { ref: false }),
    ])
  }
}

function optionsOf(id: string, priority: number): JobsOptions {
  const level = middlePriority - Math.round(priority * priorityScale)
  return { jobId: id, attempts: 1, priority: Math.min(Math.max(level, 1), 2 * middlePriority - 1) }
}

/** A new connection takes as long as some tasks do, so one that is idle is kept for a while. */
const postgresPool = { max: 4, allowExitOnIdle: true, idleTimeoutMillis: 60_000 }

/** BullMQ's types tell the backends apart by type parameters; to this class they are the same. */
interface Backend {
  readonly options: { readonly connection: Redis; readonly prefix?: string }
  readonly connection: Redis | undefined
  readonly factory: undefined
}

function backendOf(cluster: Cluster): Backend {
  const server = serverOf(cluster)
  if (server instanceof RedisServer) {
    const connection = server.connect()
    // In braces: all keys of a queue are in one slot of a Redis Cluster.
    return { options: { connection, prefix: `{${cluster.prefix}}` }, connection, factory: undefined }
  }
  const { url } = addressOf(cluster)
  const connection = { connectionString: url, schema: server.queueSchema, ...postgresPool }
  return { options: { connection }, connection: undefined, factory: createPostgresBackend } as unknown as Backend
}
