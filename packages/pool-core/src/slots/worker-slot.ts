import { type Boundary, encodeThrown } from '@heddle/codec'
import type { BatchMessage, ToWorker } from '../protocol.js'
import { Envelope } from '../scheduling/envelope.js'
import type { Job } from '../scheduling/job.js'
import { LinkedList } from '../scheduling/linked-list.js'
import { refuseDetached } from '../tasks/with-transfer.js'
import { begunOf, isMarkedListening, markAborted, resetClaims, takeBackRest } from './claim-words.js'
import type { WorkerLink } from './worker-link.js'

/** So many tasks a worker keeps in mind. */
const maxKnown = 1_000

/**
 * One place for a worker, which is replaced when it ends.
 *
 * states: empty → starting → ready → ending → empty. Envelopes are sent while it is ready, at most two at a time; the worker
 * runs them in that order.
 */
export class WorkerSlot {
  readonly #boundary: Boundary
  state: 'empty' | 'starting' | 'ready' | 'ending' = 'empty'
  link: WorkerLink | undefined = undefined
  words: Int32Array | undefined = undefined
  inFlight: Envelope[] = []
  /** What only this slot may run. */
  readonly pinned = new LinkedList<Job>()
  /** How many runs this worker was sent. */
  runs = 0
  /** The worker is to be replaced as soon as it has nothing to do. */
  retire = false
  /** The pool has ended the worker: what dies with it is not to blame. */
  isKilled = false
  /** Ended in the middle of its work, so that another one takes its place at once. */
  willBeReplaced = false
  stopIdleTimer: (() => void) | undefined = undefined
  #nextEnvelope = 1
  /** The tasks that this worker knows by number, the one that was used last comes last. */
  readonly #known = new Set<number>()

  constructor(boundary: Boundary) {
    this.#boundary = boundary
  }

  get isIdle(): boolean {
    return this.state === 'ready' && this.inFlight.length === 0 && !this.retire
  }

  /** For a worker of its own. */
  reset(words: Int32Array | undefined): void {
    this.words = words
    this.inFlight = []
    this.runs = 0
    this.retire = false
    this.isKilled = false
    this.willBeReplaced = false
    this.#nextEnvelope = 1
    this.#known.clear()
  }

  /**
   * Sends runs of one task.
   *
   * @throws DataCloneError: they cannot be cloned, or a transfer list does not fit; nothing was sent
   */
  send(jobs: readonly Job[], count: number, now: number): Envelope {
    const [first] = jobs as [Job]
    const { task } = first
    const id = this.#nextEnvelope
    if (this.words) resetClaims(this.words, id)
    const bringsTask = !this.#known.delete(task.ref)
    if (bringsTask) this.#post({ type: 'task', ref: task.ref, task: task.wire })
    this.#known.add(task.ref)
    if (this.#known.size > maxKnown) this.#forgetOldest()
    if (first.chunk) this.#sendChunk(id, first, first.chunk.wire())
    else if (jobs.length > 1) this.#sendShared(id, task.ref, jobs)
    else this.#sendCall(id, first)
    this.#nextEnvelope += 1
    const envelope = new Envelope(id, task, jobs, count, now, bringsTask)
    this.inFlight.push(envelope)
    this.runs += count
    return envelope
  }

  /** Not one that is on its way: those were used last. */
  #forgetOldest(): void {
    const [oldest] = this.#known
    if (oldest === undefined) return
    this.#known.delete(oldest)
    this.#post({ type: 'forget', ref: oldest })
  }

  #sendCall(id: number, job: Job): void {
    const { limits } = job
    if (limits?.transfer) refuseDetached(limits.transfer)
    this.#post(
      {
        type: 'call',
        id,
        ref: job.task.ref,
        args: job.args ?? { value: [] },
        attempt: job.attempt,
        name: job.id,
        tellStart: limits?.timeout !== undefined,
        tellProgress: limits?.onProgress !== undefined,
        credits: limits?.stream?.credits,
      },
      limits?.transfer,
    )
  }

  #sendChunk(id: number, { task, attempt }: Job, items: BatchMessage['items']): void {
    this.#sendBatch({
      type: 'batch',
      id,
      ref: task.ref,
      items,
      spread: false,
      isChunk: true,
      attempt,
      names: undefined,
    })
  }

  #sendShared(id: number, ref: number, jobs: readonly Job[]): void {
    const packed = packedArguments(jobs)
    const items = packed ?? { value: jobs.map(({ args }) => args?.value) }
    const names = jobs.some((job) => job.id !== undefined) ? jobs.map((job) => job.id) : undefined
    this.#sendBatch({ type: 'batch', id, ref, items, spread: !packed, isChunk: false, attempt: 1, names })
  }

  #sendBatch(batch: BatchMessage): void {
    this.#post(batch, ArrayBuffer.isView(batch.items) ? [batch.items.buffer as ArrayBuffer] : undefined)
  }

  #post(message: ToWorker, transfer?: readonly object[]): void {
    this.link?.send(message, transfer)
  }

  /** How many runs of it may have begun: between processes, all that were sent. */
  begunOf(envelope: Envelope): number {
    if (envelope.keptRuns !== undefined) return envelope.keptRuns
    return this.words ? Math.max(envelope.answered, begunOf(this.words, envelope.id)) : envelope.count
  }

  /** From now on no run of it begins that has not. Returns how many have; between processes that cannot be known, nor stopped. */
  takeBackRest(envelope: Envelope): number {
    if (envelope.keptRuns === undefined && this.words)
      envelope.keptRuns = Math.max(envelope.answered, takeBackRest(this.words, envelope.id))
    return envelope.keptRuns ?? envelope.count
  }

  /** Whether the only run of it has asked for its signal. */
  isListening(envelope: Envelope): boolean {
    return envelope.isListening || (this.words !== undefined && isMarkedListening(this.words, envelope.id))
  }

  /** Tells the task that nobody waits for it any longer. */
  abort(envelope: Envelope, reason: unknown, index: number): void {
    if (this.words) markAborted(this.words, envelope.id)
    this.#post({ type: 'abort', id: envelope.id, index, reason: encodeThrown(reason, this.#boundary) })
  }

  addCredits(envelope: Envelope, count: number): void {
    if (this.inFlight.includes(envelope)) this.#post({ type: 'credit', id: envelope.id, count })
  }
}

/** The arguments of runs that each have one, a number. */
function packedArguments(jobs: readonly Job[]): Float64Array | undefined {
  const packed = new Float64Array(jobs.length)
  for (let index = 0; index < jobs.length; index += 1) {
    const list = jobs[index]?.args?.value as readonly unknown[]
    const [only] = list
    if (list.length !== 1 || typeof only !== 'number') return undefined
    packed[index] = only
  }
  return packed
}
