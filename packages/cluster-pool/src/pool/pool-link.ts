import { BrokenError } from '@heddle/pool-core'
import { reportError, startTimer } from '@heddle/pool-core/building-blocks'
import type { Cluster } from '../connection/cluster.js'
import { serverOf } from '../connection/cluster-server.js'
import type { Unsubscribe } from '../connection/server.js'
import { ClusterError } from '../errors.js'
import type { ClusterJob, JobEnd } from './cluster-job.js'
import type { ClusterJobBook } from './cluster-job-book.js'
import type { TaskQueue } from './task-queue.js'
import {
  cancelChannel,
  type Outcome,
  type OutcomeKind,
  openOutcome,
  type Reply,
  readOutcome,
  replyChannel,
  unpack,
} from './wire.js'

/** Milliseconds between looks for tasks whose reply was lost. */
const lookMs = 1_000
/** How many tasks are asked for in one look. */
const mostAsked = 256
const idsInMessage = 500
/** A node that could not store an outcome tells it once more, so the second look in vain decides. */
const looksUntilLost = 2
/** How often an idempotent task is stored again. */
const mostAgain = 3

const ends: Partial<Record<OutcomeKind, JobEnd>> = { value: 'succeeded', timeout: 'timedOut', cancelled: 'cancelled' }

/**
 * A caller's side of what nodes tell: replies settle its tasks, and what they have missed is asked for.
 *
 * Invariant: a stored task is asked for again and again until it has settled: no lost message leaves it pending.
 */
export class PoolLink {
  readonly #cluster: Cluster
  readonly #pool: string
  readonly #caller: string
  readonly #book: ClusterJobBook
  readonly #queue: TaskQueue
  #subscription: Promise<Unsubscribe> | undefined
  #stopTimer: (() => void) | undefined
  #isWarm: Promise<void> | undefined
  #isLooking = false
  #isClosed = false

  constructor(cluster: Cluster, pool: string, caller: string, book: ClusterJobBook, queue: TaskQueue) {
    this.#cluster = cluster
    this.#pool = pool
    this.#caller = caller
    this.#book = book
    this.#queue = queue
  }

  /** Resolves when replies can be heard. Tried again with the next call, should it fail. */
  async ready(): Promise<void> {
    this.#subscription ??= serverOf(this.#cluster).notices.subscribe(replyChannel(this.#caller), {
      onMessage: (message) => this.#onReplies(message),
      onGap: () => void this.#lookForAll(),
      onClosed: () => this.#onClosed(),
    })
    try {
      await this.#subscription
      // So that there is a connection to cancel by, which has to be fast.
      this.#isWarm ??= serverOf(this.#cluster).notices.tell(cancelChannel(this.#pool), '[]')
      await this.#isWarm
    } catch (error) {
      this.#subscription = undefined
      throw error
    }
    this.#stopTimer ??= this.#startTimer()
  }

  /** Tells the nodes that these are not to begin, or to be ended. */
  async cancel(ids: readonly string[]): Promise<void> {
    const { notices } = serverOf(this.#cluster)
    for (let at = 0; at < ids.length; at += idsInMessage)
      await notices.publish(cancelChannel(this.#pool), JSON.stringify(ids.slice(at, at + idsInMessage)))
  }

  close(): void {
    this.#isClosed = true
    this.#stopTimer?.()
    this.#subscription?.then((unsubscribe) => unsubscribe()).catch(() => undefined)
  }

  /** Nothing is heard any more: what is pending would be so for ever. */
  #onClosed(): void {
    if (this.#isClosed) return
    const why = 'the cluster was closed: what was stored is run all the same, and nobody hears of it'
    for (const job of this.#book.all())
      this.#book.settle(job, 'failed', new ClusterError('ERR_SERVER_UNAVAILABLE', why))
  }

  #onReplies(message: string): void {
    for (const reply of repliesOf(message)) {
      const job = this.#book.get(reply[0])
      if (!job) continue
      job.noteStored()
      const outcome = reply[1] === 'settled' ? readOutcome(reply[2]) : undefined
      if (outcome) this.#settle(job, outcome)
      else if (reply[1] === 'started') this.#book.begin(job)
      else if (reply[1] === 'progress') tellProgress(job, reply[2])
      else void this.#ask(job)
    }
  }

  #settle(job: ClusterJob, outcome: Outcome): void {
    const { ok, value } = openOutcome(outcome)
    // A result that cannot be read here is a failure.
    const isUnread = outcome.kind === 'value' && !ok
    this.#book.settle(job, isUnread ? 'failed' : (ends[outcome.kind] ?? 'failed'), value, outcome.ms)
  }

  #startTimer(): () => void {
    return startTimer(
      lookMs,
      () => {
        void this.#look()
        if (!this.#isClosed) this.#stopTimer = this.#startTimer()
      },
      { unref: true },
    )
  }

  /** Asks for those that were not asked for longest. */
  async #look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    const old = performance.now() - lookMs
    const jobs = this.#book
      .all()
      .filter((job) => isStored(job) && job.since < old && job.askedAt < old)
      .sort((one, other) => one.askedAt - other.askedAt)
      .slice(0, mostAsked)
    await this.#askAll(jobs)
    this.#isLooking = false
  }

  async #lookForAll(): Promise<void> {
    await this.#askAll(this.#book.all().filter(isStored))
  }

  async #askAll(jobs: readonly ClusterJob[]): Promise<void> {
    await Promise.all(jobs.map((job) => this.#ask(job)))
  }

  async #ask(job: ClusterJob): Promise<void> {
    job.askedAt = performance.now()
    try {
      const state = await this.#queue.stateOf(job.id)
      if (job.isSettled || this.#isClosed) return
      if (typeof state === 'object') this.#settle(job, state)
      else if (state !== 'open') await this.#onLost(job, state)
    } catch {
      // The server is away: the next look asks again.
    }
  }

  /**
   * What it came to is lost, or the task is: the server was restarted without its last second, or somebody has deleted it. A
   * node that could not store an outcome tells it once more, so the second look decides.
   */
  async #onLost(job: ClusterJob, state: 'broken' | 'unknown'): Promise<void> {
    job.losses += 1
    if (job.losses % looksUntilLost > 0) return
    if (job.idempotent && job.losses <= looksUntilLost * mostAgain) {
      if (state === 'broken') await this.#queue.remove([job.id])
      if (!job.isSettled) await this.#queue.add([job.stored])
      // It was given up meanwhile: then nobody else takes it away.
      if (job.isSettled) await this.#queue.remove([job.id])
      return
    }
    const why =
      state === 'broken'
        ? 'the task was run, but the connection of its node broke before what it came to was stored'
        : 'the server does not know the task any more: it was lost with the server, or deleted'
    this.#book.settle(job, 'failed', new BrokenError(why, { began: true }))
  }
}

const isStored = ({ state }: ClusterJob) => state === 'stored' || state === 'running'

function tellProgress(job: ClusterJob, bytes: string): void {
  const { onProgress } = job
  if (!onProgress) return
  let value: unknown
  try {
    value = unpack(bytes)
  } catch {
    // What cannot be read here is no progress.
    return
  }
  reportError(() => onProgress(value))
}

/** What is no list of replies is no message of ours. */
function repliesOf(message: string): readonly Reply[] {
  try {
    const replies: unknown = JSON.parse(message)
    return Array.isArray(replies) ? replies.filter((reply): reply is Reply => Array.isArray(reply)) : []
  } catch {
    return []
  }
}
