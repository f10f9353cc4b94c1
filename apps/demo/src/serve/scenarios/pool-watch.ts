import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Worker } from 'node:worker_threads'
import { printable } from '../../printable.js'
import { Durations } from '../durations.js'
import { freePlace, ownerOf } from '../lanes/lane-words.js'
import { Roster } from '../lanes/roster.js'
import type { Lane, PoolView } from '../protocol.js'
import type { Recording } from '../recording.js'
import { poolSubjects } from './pool-tasks.js'

const taskChannel = 'heddle:pool-core:task'
const workerChannel = 'heddle:pool-core:worker'

/** The part that is read of a message about a task. */
interface TaskMessage {
  readonly event: string
  readonly pool: string
  readonly number: number
  readonly attempt: number
}

interface WorkerMessage {
  readonly event: 'started' | 'ended' | 'crashed'
  readonly pool: string
  readonly threadId: number | undefined
  readonly how: string | undefined
}

/**
 * Follows a pool of threads by what it tells on the diagnostics channels: which workers there are, and how long tasks wait
 * and run.
 */
export class PoolWatch {
  readonly #recording: Recording
  readonly #words: Int32Array
  readonly #places: number
  readonly #pool: string
  readonly #roster: Roster
  /** All threads that were started since, by their ids. */
  readonly #threads = new Map<number, Worker>()
  /** Lanes by the ids of their threads. */
  readonly #lanes = new Map<number, number>()
  /** When tasks that have not settled came into the queue, or began. */
  readonly #since = new Map<number, number>()
  readonly #waits = new Durations()
  readonly #runs = new Durations()
  /** Lanes that are being killed. */
  readonly #killed = new Set<number>()
  #workers = 0

  constructor(recording: Recording, words: Int32Array, places: number, pool: string) {
    this.#recording = recording
    this.#words = words
    this.#places = places
    this.#pool = pool
    this.#roster = new Roster(recording, words, places, poolSubjects)
    subscribe(taskChannel, this.#onTask)
    subscribe(workerChannel, this.#onWorker)
    process.on('worker', this.#onThread)
  }

  get lanes(): readonly Lane[] {
    return this.#roster.lanes
  }

  look(): void {
    for (let place = 0; place < this.#places; place++) {
      const lane = this.#lanes.get(ownerOf(this.#words, place))
      if (lane !== undefined) this.#roster.move(lane, place)
    }
    this.#roster.collect()
  }

  percentiles(): Pick<PoolView, 'waitMs' | 'runMs'> {
    return { waitMs: this.#waits.percentiles(), runMs: this.#runs.percentiles() }
  }

  kill(lane: number): boolean {
    const { threadId, title } = this.#roster.find(lane) ?? {}
    const thread =
      this.#lanes.get(threadId ?? -1) === lane && threadId !== undefined ? this.#threads.get(threadId) : undefined
    if (thread === undefined) return false
    if (!this.#killed.has(lane)) this.#recording.note(`${title} is killed: thread ${threadId} by terminate()`)
    this.#killed.add(lane)
    void thread.terminate()
    return true
  }

  failed(what: string, error: unknown): void {
    const { code, message } = error as { code?: unknown; message?: unknown }
    if (code !== 'ERR_CLOSED') this.#recording.note(`${what} was not made: ${printable(String(message))}`)
  }

  stop(): void {
    process.off('worker', this.#onThread)
    unsubscribe(taskChannel, this.#onTask)
    unsubscribe(workerChannel, this.#onWorker)
  }

  readonly #onThread = (thread: Worker): void => {
    const { threadId } = thread
    this.#threads.set(threadId, thread)
    thread.once('exit', () => {
      this.#threads.delete(threadId)
      this.#end(threadId)
    })
  }

  readonly #onWorker = (message: unknown): void => {
    const { event, pool, threadId, how } = message as WorkerMessage
    if (pool !== this.#pool || threadId === undefined) return
    if (event === 'started') {
      this.#workers += 1
      const title = `worker ${this.#workers}`
      this.#lanes.set(threadId, this.#roster.begin({ title, kind: 'thread', pid: undefined, threadId }, true))
    } else {
      this.#end(threadId)
      if (event === 'crashed')
        this.#recording.note(`thread ${threadId} ${how ?? 'has ended'}: another worker is started`)
    }
  }

  /** The thread has ended: who claims its place from now on is another lane. Told by the thread or the pool, whoever is first. */
  #end(threadId: number): void {
    const lane = this.#lanes.get(threadId)
    if (lane !== undefined) {
      this.look()
      this.#lanes.delete(threadId)
      this.#killed.delete(lane)
      this.#roster.end(lane)
    }
    for (let place = 0; place < this.#places; place++)
      if (ownerOf(this.#words, place) === threadId) freePlace(this.#words, place)
  }

  readonly #onTask = (message: unknown): void => {
    const { event, pool, number, attempt } = message as TaskMessage
    if (pool !== this.#pool) return
    const now = performance.now()
    const since = this.#since.get(number)
    if (event === 'queued' || event === 'started') this.#since.set(number, now)
    else this.#since.delete(number)
    if (event === 'started') {
      if (attempt > 1) this.#recording.note(`task ${number} is run again: attempt ${attempt}`)
      else if (since !== undefined) this.#waits.add(now - since)
    } else if (event === 'succeeded' && since !== undefined) this.#runs.add(now - since)
  }
}
