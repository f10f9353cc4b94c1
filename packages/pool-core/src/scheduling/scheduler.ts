import { decodeValue } from '@heddle/codec'
import { addAbortCallback, removeAbortCallback } from './abort-registry.js'
import { ClosedError, TimeoutError } from './errors.js'
import { holdProcess, letProcessGo } from './keep-alive.js'
import { type Linked, LinkedList } from './linked-list.js'
import type { Slot, TaskCall, TaskReply } from './slot.js'
import { startTimer } from './timer.js'

/** An accepted call. */
export interface Submission {
  readonly result: Promise<unknown>
  /** Takes the call out of the queue if it has not begun; its promise then rejects. Does nothing to a call that runs. */
  readonly takeBack: () => void
}

/** One accepted call, until its promise has settled. */
interface Job extends Linked {
  readonly call: TaskCall
  readonly timeout: number | undefined
  readonly signal: AbortSignal | undefined
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
  /** Where it runs; undefined while it is queued. */
  slot: Slot | undefined
  onAbort: (() => void) | undefined
  stopTimer: (() => void) | undefined
  /** The first outcome wins: an answer that comes after a timeout is dropped. */
  settled: boolean
}

/**
 * Gives calls to slots, first come first served.
 *
 * states: running (accepts calls) → draining (lets the accepted ones end) → closed (ends the slots); never back.
 *
 * Invariant: while a job is queued there are `maxSlots` slots and none is idle.
 * Invariant: a slot is idle, or runs one job, or is being killed.
 * Invariant: every job settles exactly once.
 */
export class Scheduler {
  readonly #createSlot: () => Slot
  readonly #maxSlots: number
  readonly #slots = new Set<Slot>()
  /** The one that was busy last comes first: its caches are warm. */
  readonly #idle: Slot[] = []
  readonly #queue = new LinkedList<Job>()
  readonly #running = new Set<Job>()
  #state: 'running' | 'draining' | 'closed' = 'running'
  #onIdle: (() => void) | undefined
  #drained: Promise<void> | undefined
  #closed: Promise<void> | undefined

  constructor(createSlot: () => Slot, maxSlots: number) {
    this.#createSlot = createSlot
    this.#maxSlots = maxSlots
  }

  /** @throws ClosedError `ERR_CLOSED` */
  submit(call: TaskCall, timeout: number | undefined, signal: AbortSignal | undefined): Submission {
    if (this.#state !== 'running') throw new ClosedError('the pool is closed: it accepts no more tasks')
    if (signal?.aborted) return { result: Promise.reject(signal.reason), takeBack: () => {} }
    // Before anything is registered: it may throw.
    const slot = this.#idle.pop() ?? this.#addSlot()
    let job: Job | undefined
    const result = new Promise<unknown>((resolve, reject) => {
      job = {
        call,
        timeout,
        signal,
        resolve,
        reject,
        slot: undefined,
        onAbort: undefined,
        stopTimer: undefined,
        settled: false,
      }
    })
    const accepted = job as unknown as Job
    if (signal) {
      accepted.onAbort = () => this.#end(accepted, signal.reason)
      addAbortCallback(signal, accepted.onAbort)
    }
    holdProcess()
    if (slot) this.#start(accepted, slot)
    else this.#queue.push(accepted)
    return {
      result,
      takeBack: () => {
        if (this.#queue.delete(accepted)) this.#settle(accepted, false, new ClosedError('the task was taken back'))
      },
    }
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain()
    return this.#drained
  }

  async #drain(): Promise<void> {
    if (this.#state === 'running') this.#state = 'draining'
    if (this.#queue.size > 0 || this.#running.size > 0)
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve
      })
    await this.#close()
  }

  terminate(): Promise<void> {
    if (this.#state === 'running') this.#state = 'draining'
    const end = (job: Job) =>
      this.#settle(job, false, new ClosedError('the pool was terminated before the task was done'))
    for (let job = this.#queue.shift(); job; job = this.#queue.shift()) end(job)
    for (const job of this.#running) end(job)
    return this.#close()
  }

  #close(): Promise<void> {
    this.#state = 'closed'
    this.#closed ??= Promise.all([...this.#slots].map((slot) => slot.close())).then(() => {})
    return this.#closed
  }

  #addSlot(): Slot | undefined {
    if (this.#slots.size >= this.#maxSlots) return undefined
    const slot = this.#createSlot()
    this.#slots.add(slot)
    return slot
  }

  #start(job: Job, slot: Slot): void {
    job.slot = slot
    this.#running.add(job)
    slot.run(job.call).then(
      (reply) => this.#answer(job, slot, reply),
      (error: unknown) => {
        if (job.settled) return
        this.#settle(job, false, error)
        this.#release(slot)
      },
    )
    if (job.timeout !== undefined) void this.#limit(job, slot, job.timeout)
  }

  async #limit(job: Job, slot: Slot, timeout: number): Promise<void> {
    // The start of a worker is not the task's time.
    await slot.ready()
    if (job.settled) return
    job.stopTimer = startTimer(timeout, () =>
      this.#end(job, new TimeoutError(`task ${job.call.task.name} was ended: it ran for more than ${timeout} ms`)),
    )
  }

  #answer(job: Job, slot: Slot, { ok, outcome }: TaskReply): void {
    if (job.settled) return
    let value: unknown
    let success = ok
    try {
      value = decodeValue(outcome)
    } catch (error) {
      success = false
      value = error
    }
    this.#settle(job, success, value)
    this.#release(slot)
  }

  /** Ends a job that nobody waits for any longer, wherever it is. */
  #end(job: Job, error: unknown): void {
    if (job.settled) return
    this.#queue.delete(job)
    const { slot } = job
    this.#settle(job, false, error)
    if (!slot) return
    holdProcess()
    void slot.kill().then(() => {
      letProcessGo()
      this.#release(slot)
    })
  }

  #settle(job: Job, success: boolean, value: unknown): void {
    job.settled = true
    job.stopTimer?.()
    if (job.signal && job.onAbort) removeAbortCallback(job.signal, job.onAbort)
    this.#running.delete(job)
    letProcessGo()
    if (success) job.resolve(value)
    else job.reject(value)
    if (this.#queue.size === 0 && this.#running.size === 0) this.#onIdle?.()
  }

  #release(slot: Slot): void {
    if (this.#state === 'closed') return
    const next = this.#queue.shift()
    if (next) this.#start(next, slot)
    else this.#idle.push(slot)
  }
}
