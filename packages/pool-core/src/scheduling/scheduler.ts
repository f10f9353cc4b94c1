import { decodeValue } from '@heddle/codec'
import { ClosedError, TimeoutError } from '../errors.js'
import { addAbortCallback } from '../platform/abort-registry.js'
import { reportError } from '../platform/report-error.js'
import { startTimer } from '../platform/timer.js'
import type { BatchDoneMessage, FromWorker } from '../protocol.js'
import { WorkerCrew } from '../slots/worker-crew.js'
import type { Death } from '../slots/worker-link.js'
import type { WorkerSlot } from '../slots/worker-slot.js'
import type { TaskRecord } from '../tasks/task-record.js'
import { Answers } from './answers.js'
import type { Chunk } from './chunk.js'
import type { Envelope } from './envelope.js'
import type { Job, JobEnd } from './job.js'
import { JobBook } from './job-book.js'
import { ReadyLine } from './ready-line.js'
import { Recovery } from './recovery.js'
import type { SchedulerOptions } from './scheduler-options.js'
import { SchedulerStats } from './scheduler-stats.js'
import { mayBeTakenBack, StallWatch } from './stall-watch.js'
import { WaitingRoom } from './waiting-room.js'

/** Of an envelope that is expected to take no longer than this, another may be sent behind it: the worker never waits for us. */
const quickMs = 10

/** A chunk of a map takes less than this, unless something is wrong: then nobody else is hurt when its worker ends. */
const chunkGraceMs = 50

/** A map, as the scheduler knows it. */
export interface StoppableMap {
  /** The pool takes on nothing more: what was pulled ends, and then comes this error. */
  stop(error: Error): void
}

/**
 * Gives jobs to workers.
 *
 * states: running (accepts jobs) → draining (lets the accepted ones end) → closed (ends the workers); never back.
 *
 * Invariant: while a job is queued, the pool is not paused and nothing is about to be flushed, no worker is idle, and as many
 * workers start as there are jobs and empty slots for them.
 * Invariant: every accepted job is in exactly one place until it has settled: waiting for room, queued, or sent.
 * Invariant: a run that may have begun is never sent again unless its task is idempotent.
 *
 * More than 300 lines: the places a job can be in and the ways between them are one state machine. What can be told apart from
 * it has files of its own: the line, the room before it, the workers, the envelopes, the answers, what becomes of a dead
 * worker's jobs, the counts.
 */
export class Scheduler {
  readonly options: SchedulerOptions
  readonly stats: SchedulerStats
  readonly book: JobBook
  readonly #line = new ReadyLine()
  readonly #room: WaitingRoom
  readonly #crew: WorkerCrew
  readonly #answers: Answers
  readonly #stalls: StallWatch
  readonly #maps = new Set<StoppableMap>()
  #closedError: Error | undefined
  #isPaused = false
  #isFlushQueued = false
  #drained: Promise<void> | undefined

  constructor(options: SchedulerOptions) {
    this.options = options
    this.stats = new SchedulerStats(options.name)
    this.book = new JobBook(this.stats, () => this.#line.size)
    this.#crew = new WorkerCrew(options, this.stats, {
      onReady: () => this.#flush(),
      onMessage: (slot, message) => this.#onMessage(slot, message),
      onEnd: (slot, death) => this.#recover(slot, death),
      onBroken: (error) => {
        this.#stopAccepting(error)
        this.#endAll(() => error, 'failed')
        void this.#close()
      },
    })
    this.#answers = new Answers(this.stats, this.book, (jobs) => this.#putBack(jobs))
    this.#room = new WaitingRoom(
      options,
      this.stats,
      this.#line,
      () => (this.#isPaused ? 0 : this.#crew.free),
      (job, error) => this.giveUp(job, error, 'dropped'),
    )
    this.#stalls = new StallWatch(
      this.#crew,
      this.#line,
      (slot, envelopes) => this.#takeBack(slot, envelopes),
      this.#flush,
    )
    this.#crew.keepMinimum()
  }

  get slots(): readonly WorkerSlot[] {
    return this.#crew.slots
  }

  /** Why the pool accepts nothing more; undefined: it accepts. */
  get closedError(): Error | undefined {
    return this.#closedError
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Runs of a broadcast, which wait each for its own worker, are not among them. */
  get queued(): number {
    return this.#line.size
  }

  get waitingForRoom(): number {
    return this.#room.jobs.size
  }

  /** Whether a job that comes now finds neither a free worker nor room to wait for one. */
  get isFull(): boolean {
    return this.#room.isFull
  }

  /** Takes a job on, or settles it at once. */
  admit(job: Job): void {
    const signal = job.limits?.signal
    const refusal = this.#closedError
    if (refusal || signal?.aborted) {
      this.#refuse(job, refusal ? 'refused' : 'cancelled', refusal ?? signal?.reason)
      return
    }
    // What belongs to a map was counted by it, and what belongs to a worker waits for that one.
    const isOutside = job.isOfMap || job.slot !== undefined
    const isFull = !isOutside && this.isFull
    // What cannot be run by the caller waits.
    const { whenFull } = this.options
    const mustWait = isFull && (whenFull === 'wait' || whenFull === 'caller-runs')
    if (isFull && !mustWait && !this.#room.makeRoom(job)) return
    // Whoever was told of a dropped task may have closed the pool.
    if (this.#closedError || signal?.aborted) {
      this.#refuse(job, this.#closedError ? 'refused' : 'cancelled', this.#closedError ?? signal?.reason)
      return
    }
    this.book.open()
    if (signal) {
      job.onAbort = () => this.giveUp(job, signal.reason, 'cancelled')
      addAbortCallback(signal, job.onAbort)
    }
    if (mustWait) {
      job.state = 'waiting for room'
      this.#room.jobs.push(job)
    } else this.#enqueue(job)
    this.#flushSoon()
  }

  #refuse(job: Job, how: JobEnd, error: unknown): void {
    job.state = 'settled'
    this.stats.count(how, job.count)
    const { chunk } = job
    if (chunk === undefined) job.reject(error)
    else {
      chunk.sink.onFailure(chunk.offset, chunk.count, error)
      chunk.sink.onForgotten(job)
    }
  }

  #enqueue(job: Job): void {
    if (job.slot) {
      job.state = 'queued'
      job.slot.pinned.push(job)
    } else this.#line.push(job)
    this.stats.publish(job, 'queued', this.#line.size)
    const { onAdmitted } = job
    if (onAdmitted) {
      job.onAdmitted = undefined
      onAdmitted()
    }
  }

  #flushSoon(): void {
    if (this.#isFlushQueued) return
    this.#isFlushQueued = true
    queueMicrotask(this.#flush)
  }

  readonly #flush = (): void => {
    this.#isFlushQueued = false
    if (this.#crew.isClosed) return
    if (!this.#isPaused) for (const slot of this.#crew.slots) this.#servePinned(slot)
    this.#admitWaiting()
    while (!this.#isPaused) {
      const job = this.#line.head
      const slot = job && this.#placeFor(job)
      if (!slot) break
      this.#send(slot, this.#gather(job, slot))
      this.#admitWaiting()
    }
    this.#stalls.watch()
  }

  #admitWaiting(): void {
    for (let job = this.#room.shift(); job; job = this.#room.shift()) this.#enqueue(job)
  }

  #servePinned(slot: WorkerSlot): void {
    const job = slot.pinned.first
    if (!job) return
    if (slot.state === 'empty') this.#crew.start(slot)
    else if (slot.isIdle) {
      slot.pinned.shift()
      this.#send(slot, [job])
    }
  }

  /** A worker that can take it now. Starts one where that is what it waits for. */
  #placeFor(job: Job): WorkerSlot | undefined {
    const { idle } = this.#crew
    if (idle) return idle
    this.#crew.startFor(this.#line.size)
    if (this.#crew.isClosed || !this.#isQuick(job)) return undefined
    return this.#crew.slots.find((slot) => this.#canFollow(slot))
  }

  #isQuick(job: Job): boolean {
    if (job.limits !== undefined || job.isSuspect || !this.#mayShare(job.task)) return false
    return expectedMs(job.task, job.count) < quickMs
  }

  /** Whether the slot has one envelope and it is quick: then a second one may stand behind it. */
  #canFollow(slot: WorkerSlot): boolean {
    if (slot.state !== 'ready' || slot.retire || slot.pinned.size > 0 || slot.inFlight.length !== 1) return false
    const [envelope] = slot.inFlight as [Envelope]
    return (
      slot.runs < this.options.maxTasksPerWorker &&
      envelope.stopGrace === undefined &&
      expectedMs(envelope.task, envelope.count) < quickMs &&
      // What is given up behind it may end the worker, and must not take along what cannot be run again.
      this.#mayShare(envelope.task) &&
      envelope.jobs.every((job) => job.limits === undefined && !job.isSuspect)
    )
  }

  /** Whether it can be told which runs of an envelope have begun, or does not matter. */
  #mayShare(task: TaskRecord): boolean {
    return this.options.boundary === 'thread' || task.idempotent
  }

  /** Takes the job, and those behind it that may share its envelope, out of the line. */
  #gather(job: Job, slot: WorkerSlot): Job[] {
    const line = this.#line
    const { task } = job
    const room = this.options.maxTasksPerWorker - slot.runs
    line.remove(job)
    if (job.chunk !== undefined && job.chunk.count > room) return [this.#cut(job, job.chunk, room)]
    const jobs = [job]
    if (!job.isPlain || !this.#mayShare(task)) return jobs
    const waiting = 1 + line.size + this.#room.jobs.size
    const size = Math.min(task.envelopeSize(waiting, this.options.maxWorkers), room)
    while (jobs.length < size) {
      const next = line.head
      if (next?.task !== task || !next.isPlain) break
      line.remove(next)
      jobs.push(next)
    }
    return jobs
  }

  /** The first items of a chunk as a job, the rest goes back to the head of the line. */
  #cut(job: Job, chunk: Chunk, count: number): Job {
    const first = this.book.split(job, chunk.part(0, count))
    this.#putBack([this.book.split(job, chunk.part(count, chunk.count))])
    this.book.forget(job)
    return first
  }

  #send(slot: WorkerSlot, jobs: Job[]): void {
    const now = performance.now()
    let count = 0
    for (const job of jobs) count += job.count
    this.#crew.take(slot)
    let envelope: Envelope
    try {
      envelope = slot.send(jobs, count, now)
    } catch (error) {
      this.#refuseToSend(jobs, error)
      if (slot.isIdle) this.#crew.rest(slot)
      return
    }
    for (const job of jobs) {
      // The user's own code may have run while it was cloned, and ended it.
      if (job.isSettled) continue
      job.state = 'sent'
      job.envelope = envelope
      this.stats.started(job, now, this.#line.size)
    }
    const [first] = jobs as [Job]
    const { limits } = first
    if (limits === undefined) return
    // The import of the task's module is not its time, but it cannot take for ever either.
    if (limits.timeout !== undefined && this.options.startTimeout !== Number.POSITIVE_INFINITY)
      first.stopTimer = startTimer(this.options.startTimeout, () =>
        this.#timeOut(first, `did not begin: its module took more than ${this.options.startTimeout} ms to load`),
      )
    limits.stream?.onStart((credits) => slot.addCredits(envelope, credits))
  }

  /** It was fit to be sent when it was submitted, and has been changed since; or the transfer list does not fit. */
  #refuseToSend(jobs: readonly Job[], error: unknown): void {
    if (jobs.length > 1) {
      for (const job of jobs) job.isSuspect = true
      this.#putBack(jobs)
    } else for (const job of jobs) this.book.settle(job, 'failed', error)
  }

  /** To the head of the line, in this order. */
  #putBack(jobs: readonly Job[]): void {
    for (let index = jobs.length - 1; index >= 0; index -= 1) {
      const job = jobs[index] as Job
      if (job.state === 'sent') this.stats.stopped(job.count)
      job.envelope = undefined
      job.stopTimer?.()
      job.stopTimer = undefined
      if (job.slot) {
        job.state = 'queued'
        job.slot.pinned.unshift(job)
      } else this.#line.pushBack(job)
    }
  }

  #onMessage(slot: WorkerSlot, message: FromWorker): void {
    if (message.type === 'uncaught') return
    const envelope = slot.inFlight.find(({ id }) => id === message.id)
    if (!envelope) return
    const [first] = envelope.jobs as [Job]
    switch (message.type) {
      case 'started':
        this.#onStarted(first)
        break
      case 'listening':
        envelope.isListening = true
        break
      case 'progress':
        if (!first.isSettled) this.#onProgress(first, message.value)
        break
      case 'chunk':
        if (!first.isSettled) this.#onChunk(first, message.value)
        break
      case 'skipped':
        this.#endEnvelope(slot, envelope)
        break
      case 'done':
        this.#answers.settle(envelope, message)
        slot.retire ||= message.retire
        this.#endEnvelope(slot, envelope)
        break
      case 'batch-done':
        this.#onBatchDone(slot, envelope, message)
        break
    }
  }

  #onProgress(job: Job, value: Parameters<typeof decodeValue>[0]): void {
    let decoded: unknown
    try {
      decoded = decodeValue(value)
    } catch (error) {
      this.giveUp(job, error, 'failed')
      return
    }
    reportError(() => job.limits?.onProgress?.(decoded))
  }

  #onChunk(job: Job, value: Parameters<typeof decodeValue>[0]): void {
    try {
      job.limits?.stream?.onChunk(decodeValue(value))
    } catch (error) {
      this.giveUp(job, error, 'failed')
    }
  }

  #onStarted(job: Job): void {
    if (job.isSettled) return
    job.stopTimer?.()
    const { timeout } = job.limits ?? {}
    if (timeout === undefined) return
    job.stopTimer = startTimer(timeout, () => {
      // This thread may have been busy for longer than the task: then its answer is there, and is read before this.
      const look = setImmediate(() => this.#timeOut(job, `was ended: it ran for more than ${timeout} ms`))
      job.stopTimer = () => clearImmediate(look)
    })
  }

  #timeOut(job: Job, how: string): void {
    const error = new TimeoutError(`task ${job.task.name} ${how}`)
    const { envelope } = job
    const slot = envelope && this.#slotOf(envelope)
    if (!job.mayRunTwice || job.timeouts >= job.retries.timeouts || !envelope) {
      // A worker that could not begin it in time may never come to an end of that, and is of no use.
      const isStuck = slot?.state === 'ready' && slot.begunOf(envelope as Envelope) === 0
      this.giveUp(job, error, 'timedOut')
      if (isStuck) this.#crew.kill(slot)
      return
    }
    job.timeouts += 1
    job.attempt += 1
    this.#putBack([job])
    if (slot) this.#crew.kill(slot)
    this.#flushSoon()
  }

  #slotOf(envelope: Envelope): WorkerSlot | undefined {
    return this.#crew.slots.find(({ inFlight }) => inFlight.includes(envelope))
  }

  #onBatchDone(slot: WorkerSlot, envelope: Envelope, message: BatchDoneMessage): void {
    this.#answers.settleSome(envelope, message)
    if (!message.last) return
    // A task has left a lock behind: those behind it have not begun.
    if (message.count < envelope.count && envelope.keptRuns === undefined) this.#putBackFrom(envelope, message.count)
    slot.retire ||= message.retire
    this.#endEnvelope(slot, envelope)
  }

  /** What stands behind in an envelope and has not begun waits again, before all others. */
  #putBackFrom(envelope: Envelope, begun: number): void {
    const [first] = envelope.jobs as [Job]
    if (!first.chunk)
      this.#putBack(envelope.jobs.slice(begun).filter((job) => !job.isSettled && job.envelope === envelope))
    else if (!first.isSettled && begun < envelope.count) {
      const { chunk } = first
      const rest = this.book.split(first, chunk.part(begun, envelope.count))
      // It keeps what has begun, and answers for no more.
      this.stats.stopped(rest.count)
      first.chunk = chunk.part(0, begun)
      this.#putBack([rest])
    }
  }

  #endEnvelope(slot: WorkerSlot, envelope: Envelope): void {
    envelope.stopGrace?.()
    removeFrom(slot.inFlight, envelope)
    const [first] = envelope.jobs as [Job]
    // A chunk of which all was taken back has no answer to wait for.
    if (first.chunk && first.envelope === envelope && !first.isSettled) this.book.forget(first)
    if (slot.state !== 'ready') return
    const isEmpty = slot.inFlight.length === 0
    if (slot.retire) this.#crew.kill(slot)
    else if (isEmpty && slot.runs >= this.options.maxTasksPerWorker) this.#crew.end(slot)
    else if (isEmpty) this.#crew.rest(slot)
    this.#flush()
  }

  /** Ends a job that nobody waits for any longer, wherever it is. */
  giveUp(job: Job, error: unknown, how: JobEnd): void {
    if (job.isSettled) return
    const { envelope, state } = job
    if (state === 'waiting for room') this.#room.jobs.delete(job)
    else if (state === 'queued' && job.slot) job.slot.pinned.delete(job)
    else if (state === 'queued') this.#line.remove(job)
    this.book.settle(job, how, error)
    if (envelope) this.#stopRun(envelope, job, error)
    this.#flushSoon()
  }

  /**
   * Takes back what has not begun, and lets what runs end, within its timeout if it has one: for maps that nobody asks any
   * longer.
   */
  takeBack(job: Job, error: unknown): void {
    if (job.isSettled) return
    const { envelope } = job
    if (envelope) {
      const slot = this.#slotOf(envelope)
      const begun = slot?.takeBackRest(envelope)
      this.book.settle(job, 'cancelled', error)
      const { timeout } = job.limits ?? {}
      if (slot && begun !== 0 && timeout !== undefined)
        envelope.stopGrace ??= startTimer(timeout, () => this.#crew.kill(slot))
    } else this.giveUp(job, error, 'cancelled')
  }

  /**
   * The job has settled: its run, if there is one, is stopped. One that has not begun never does. One by itself is told to end,
   * if it listens, and is ended with its worker when it does not, at once or after `abortGrace`. One among others is short: it
   * is waited for, but no longer than `abortGrace`.
   */
  #stopRun(envelope: Envelope, job: Job, reason: unknown): void {
    const slot = this.#slotOf(envelope)
    if (slot?.state !== 'ready') return
    const index = envelope.jobs.indexOf(job)
    if (slot.words) {
      const isFirstTime = envelope.keptRuns === undefined
      const begun = slot.takeBackRest(envelope)
      if (isFirstTime && !job.chunk) this.#putBackFrom(envelope, begun)
      if (begun === 0) this.#expectSkip(slot, envelope)
      // It will never begin, or has settled already and its answer is on its way.
      if (begun === 0 || (!job.chunk && index !== begun - 1)) return
    }
    if (envelope.isLone) {
      if (!slot.isListening(envelope) || this.options.abortGrace === 0) {
        this.#crew.kill(slot)
        return
      }
      slot.abort(envelope, reason, 0)
    } else if (!job.chunk) slot.abort(envelope, reason, index)
    const grace = job.chunk ? Math.min(chunkGraceMs, this.options.abortGrace) : this.options.abortGrace
    envelope.stopGrace ??= startTimer(grace, () => this.#crew.kill(slot))
  }

  /** A worker has ended. What it had not begun, and what may run twice, waits again; the rest has failed. */
  #recover(slot: WorkerSlot, death: Death): void {
    const { what } = this.options
    const { again, failed, failedItems } = new Recovery(slot, death, what, performance.now(), (job, chunk) =>
      this.book.split(job, chunk),
    )
    // A chunk lives on in its parts.
    for (const { jobs } of slot.inFlight) for (const job of jobs) if (job.chunk && !job.isSettled) this.book.forget(job)
    slot.inFlight = []
    this.#putBack(again)
    for (const { job, error } of failed) this.book.settle(job, 'failed', error)
    for (const { chunk, offset, count, error } of failedItems) {
      this.stats.count('failed', count)
      chunk.sink.onFailure(offset, count, error)
    }
  }

  #takeBack(slot: WorkerSlot, envelopes: readonly Envelope[]): void {
    for (const envelope of envelopes.slice().reverse()) {
      if (!mayBeTakenBack(envelope)) continue
      const begun = slot.takeBackRest(envelope)
      this.#putBackFrom(envelope, begun)
      if (begun === 0) this.#expectSkip(slot, envelope)
    }
  }

  /** A worker that has not come past what will never begin, and has nothing before it, loads a module, perhaps for ever. */
  #expectSkip(slot: WorkerSlot, envelope: Envelope): void {
    const { startTimeout } = this.options
    if (slot.inFlight[0] !== envelope || startTimeout === Number.POSITIVE_INFINITY) return
    envelope.stopGrace ??= startTimer(startTimeout, () => this.#crew.kill(slot), { unref: true })
  }

  /** What was sent ahead and has not begun waits again, where that can be told. */
  pause(): void {
    // What was accepted is to end.
    if (this.#closedError) return
    this.#isPaused = true
    for (const slot of this.#crew.slots) this.#takeBack(slot, slot.inFlight)
  }

  resume(): void {
    this.#isPaused = false
    this.#flushSoon()
  }

  /** Settles what has not begun. Returns how many. */
  clear(error: Error): number {
    let cleared = 0
    const clear = (job: Job | undefined) => {
      if (job && !job.isOfMap) {
        this.giveUp(job, error, 'dropped')
        cleared += 1
      }
    }
    for (const slot of this.#crew.slots) {
      this.#takeBack(slot, slot.inFlight)
      for (const job of Array.from(slot.pinned)) clear(job)
    }
    while (this.#room.jobs.size > 0) clear(this.#room.jobs.first)
    for (const job of this.#line.all()) clear(job)
    // What maps had sent ahead waits again.
    this.#flushSoon()
    return cleared
  }

  addMap(map: StoppableMap): void {
    this.#maps.add(map)
  }

  removeMap(map: StoppableMap): void {
    this.#maps.delete(map)
  }

  #stopAccepting(error: Error): void {
    this.#closedError ??= error
    this.#crew.stopRefilling()
    for (const map of this.#maps) map.stop(this.#closedError)
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain()
    return this.#drained
  }

  async #drain(): Promise<void> {
    this.#stopAccepting(new ClosedError('the pool is closed: it accepts no more tasks'))
    this.resume()
    if (!this.book.isIdle) await new Promise<void>((resolve) => this.book.whenIdle(resolve))
    await this.#close()
  }

  terminate(reason?: unknown): Promise<void> {
    this.#stopAccepting(new ClosedError('the pool is closed: it accepts no more tasks', reason))
    this.#endAll(() => new ClosedError('the pool was terminated before the task was done', reason), 'cancelled')
    return this.#close()
  }

  #endAll(error: () => Error, how: JobEnd): void {
    const jobs = [...this.#line.all()]
    for (let job = this.#room.jobs.shift(); job; job = this.#room.jobs.shift()) jobs.push(job)
    for (const job of jobs) if (job.state === 'queued') this.#line.remove(job)
    for (const slot of this.#crew.slots) {
      for (let job = slot.pinned.shift(); job; job = slot.pinned.shift()) jobs.push(job)
      for (const { jobs: sent } of slot.inFlight) jobs.push(...sent)
    }
    for (const job of jobs) if (!job.isSettled) this.book.settle(job, how, error())
  }

  #close(): Promise<void> {
    this.#stalls.stop()
    return this.#crew.close()
  }
}

function expectedMs({ meanMs }: TaskRecord, count: number): number {
  return meanMs === undefined ? Number.POSITIVE_INFINITY : meanMs * count
}

function removeFrom<Item>(list: Item[], item: Item): void {
  const at = list.indexOf(item)
  if (at >= 0) list.splice(at, 1)
}
