import type { AcquireOptions, AcquireSyncOptions, Memory } from '@heddle/sync-primitives'
import {
  deadlineOf,
  EVERYBODY,
  isAbort,
  type Lane,
  laneOf,
  runBlocking,
  signalOf,
  throwIfClosed,
} from '@heddle/sync-primitives/building-blocks'
import { CorruptError, TimeoutError } from '../errors.js'
import { DAMAGED, EMPTY, OVER } from '../ring/outcomes.js'
import { nobodyElse, signal, waitUntil } from '../ring/signal.js'
import { Eagerness } from './eagerness.js'
import { brokenPipe, type EndState } from './end-state.js'
import { ORPHAN, PART, type PipeRing, WHOLE } from './pipe-ring.js'
import { letGoOn } from './waiting.js'

/** A message in a box, since it may be undefined. */
export interface MessageBox<T> {
  readonly message: T
}

/** What an end receives. The calls of one thread stand in one line, however many objects of the end it has opened. */
export class Receiver<In> {
  readonly #end: EndState
  readonly #ring: PipeRing
  readonly #memory: Memory
  readonly #receives: Lane<true | MessageBox<In> | undefined>
  /** At the other end, if that is this thread's, too: while it blocks, they cannot go on by themselves. */
  readonly #sends: Lane<never>
  /** What this end sends: what it waits for may be the answer. */
  readonly #ownSends: Lane<never> | undefined
  readonly #eagerness = new Eagerness()
  /** What a poll had to take out of the ring: a message, or what befell one. */
  #found: { readonly error?: Error } | undefined

  constructor(end: EndState, ring: PipeRing) {
    this.#end = end
    this.#ring = ring
    this.#memory = end.memory
    this.#receives = laneOf(end.memory, ring.items)
    this.#sends = laneOf(end.memory, ring.room)
    this.#ownSends = end.outgoing && laneOf(end.memory, end.outgoing.room)
  }

  async receive(options: AcquireOptions | undefined): Promise<In> {
    const deadline = deadlineOf(options)
    const abort = signalOf(options)
    if (abort?.aborted) throw abort.reason
    if (this.#mayReceiveNow() && this.#take()) return this.#decode()
    const begin = () => waitUntil(this.#memory, this.#ring.items, this.#takeBoxed, nobodyElse)
    const { result, ending } = await this.#receives.run(begin, undefined, deadline, abort)
    if (result) return (result as MessageBox<In>).message
    if (isAbort(ending)) throw ending.reason
    throw notReceived()
  }

  receiveSync(options: AcquireSyncOptions | undefined): In {
    const deadline = deadlineOf(options)
    if (this.#mayReceiveNow() && this.#take()) return this.#decode()
    const isThere = () => !this.#ring.isEmpty
    if (this.#eagerness.lookFor(isThere) && this.#mayReceiveNow() && this.#take()) return this.#decode()
    const attempt = () => this.tryReceive()
    const found = runBlocking(this.#memory, waitUntil(this.#memory, this.#ring.items, attempt, nobodyElse), deadline)
    if (!found) throw notReceived()
    return found.message
  }

  tryReceive(): MessageBox<In> | undefined {
    return this.#mayReceiveNow() ? this.#takeBoxed() : undefined
  }

  async poll(options: AcquireOptions | undefined): Promise<boolean> {
    const deadline = deadlineOf(options)
    const abort = signalOf(options)
    if (abort?.aborted) throw abort.reason
    if (this.#mayReceiveNow() && this.#look()) return true
    const begin = () => waitUntil(this.#memory, this.#ring.items, this.#look, nobodyElse)
    const { result, ending } = await this.#receives.run(begin, undefined, deadline, abort)
    if (isAbort(ending)) throw ending.reason
    return result === true
  }

  pollSync(options: AcquireSyncOptions | undefined): boolean {
    const deadline = deadlineOf(options)
    const attempt = () => (this.#mayReceiveNow() ? this.#look() : undefined)
    if (attempt()) return true
    const steps = waitUntil(this.#memory, this.#ring.items, attempt, nobodyElse)
    return runBlocking(this.#memory, steps, deadline) === true
  }

  /** Whether no earlier receive of this thread waits; those that do are looked after first. */
  #mayReceiveNow(): boolean {
    if (this.#receives.size === 0) return true
    this.#receives.lookAgain()
    return this.#receives.size === 0
  }

  readonly #takeBoxed = (): MessageBox<In> | undefined => (this.#take() ? { message: this.#decode() } : undefined)

  #decode(): In {
    try {
      return this.#ring.decode() as In
    } finally {
      // Not before: they may let others receive, who use the scratch.
      letGoOn(this.#sends)
    }
  }

  /**
   * Takes the next message, to be decoded at once.
   *
   * @returns false: it is not there yet, or not all of it
   */
  #take(): boolean {
    if (this.#found) {
      this.#end.check()
      const { error } = this.#found
      this.#found = undefined
      if (error) throw error
      return true
    }
    for (;;) {
      const taken = this.#takeRecord()
      if (taken === EMPTY) return false
      if (taken === WHOLE) return true
      if (taken !== PART) throw this.#lost(taken)
    }
  }

  /** Takes a message, or a part of one. @returns as {@link PipeRing.take}; EMPTY only while there may be something later */
  #takeRecord(): number {
    throwIfClosed(this.#memory)
    let taken = this.#ring.take()
    if (taken === EMPTY || taken === OVER) {
      this.#end.check()
      if (this.#ownSends) letGoOn(this.#ownSends)
      if (letGoOn(this.#sends)) taken = this.#ring.take()
      if ((taken === EMPTY || taken === OVER) && this.#end.isPeerGone) {
        // Once more: what it has sent before it ended is inside.
        taken = this.#ring.take()
        if (taken === EMPTY || taken === OVER) throw this.#endOfStream()
      }
    }
    throwIfClosed(this.#memory)
    if (taken > 0 || taken === DAMAGED) {
      signal(this.#memory, this.#ring.room, EVERYBODY)
      if (taken !== WHOLE) letGoOn(this.#sends)
    }
    return taken
  }

  #endOfStream(): Error {
    const error = this.#end.endOfStream(this.#ring.hasPart)
    this.#ring.forgetPart()
    return error
  }

  /** Whether a receive would not wait. What it has to take out of the ring to find out, the next receive gets. */
  readonly #look = (): true | undefined => {
    this.#end.check()
    if (this.#found) return true
    for (;;) {
      letGoOn(this.#sends)
      // In this order: what it has sent before it ended is inside.
      const isGone = this.#end.isPeerGone
      const next = this.#ring.peek()
      throwIfClosed(this.#memory)
      if (next === EMPTY) return isGone ? true : undefined
      if (next !== PART) return true
      const taken = this.#takeRecord()
      if (taken === PART || taken === EMPTY) continue
      this.#found = taken === WHOLE ? {} : { error: this.#lost(taken) }
      return true
    }
  }

  /** Of a record that was none, or not one of a message that has begun here. */
  #lost(taken: number): CorruptError {
    if (taken === ORPHAN)
      return new CorruptError(
        'the beginning of a message went to who had this end of the pipe before; the rest of it is dropped',
      )
    if (taken !== DAMAGED) return brokenPipe()
    const { failure: cause } = this.#ring
    return new CorruptError(
      'the shared memory is damaged: a record of a pipe is no part of a message; it is dropped',
      cause === undefined ? undefined : { cause },
    )
  }
}

const notReceived = () => new TimeoutError('no message came in time')
