import { encodeBytes, MessageFrames } from '@heddle/codec'
import type { AcquireOptions, AcquireSyncOptions, Memory } from '@heddle/sync-primitives'
import {
  deadlineOf,
  EVERYBODY,
  isAbort,
  type Lane,
  laneOf,
  outOfRange,
  runBlocking,
  type Steps,
  signalOf,
  throwIfClosed,
} from '@heddle/sync-primitives/building-blocks'
import { TimeoutError } from '../errors.js'
import { FULL, OVER } from '../ring/outcomes.js'
import { copyOf, type Writable } from '../ring/scratch.js'
import { nobodyElse, signal, waitUntil } from '../ring/signal.js'
import { Eagerness } from './eagerness.js'
import { brokenPipe, type EndState } from './end-state.js'
import { headerBytes } from './layout.js'
import type { PipeRing } from './pipe-ring.js'
import { letGoOn } from './waiting.js'

/** What an end sends. The calls of one thread stand in one line, however many objects of the end it has opened. */
export class Sender<Out> {
  readonly #end: EndState
  readonly #ring: PipeRing
  readonly #memory: Memory
  readonly #sends: Lane<true | undefined>
  /** At the other end, if that is this thread's, too: while it blocks, they cannot go on by themselves. */
  readonly #receives: Lane<never>
  /** What this end receives: the other one may wait for it to be taken. */
  readonly #ownReceives: Lane<never> | undefined
  readonly #eagerness = new Eagerness()

  constructor(end: EndState, ring: PipeRing) {
    this.#end = end
    this.#ring = ring
    this.#memory = end.memory
    this.#sends = laneOf(end.memory, ring.room)
    this.#receives = laneOf(end.memory, ring.items)
    this.#ownReceives = end.incoming && laneOf(end.memory, end.incoming.items)
  }

  async send(message: Out, options: AcquireOptions | undefined): Promise<void> {
    const deadline = deadlineOf(options)
    const abort = signalOf(options)
    if (abort?.aborted) throw abort.reason
    const encoded = this.#encode(message)
    const isWhole = this.#fits(encoded)
    if (isWhole && this.#sendNow(encoded)) return
    const attempt = this.#attemptsAt(isWhole ? copyOf(encoded) : encoded)
    const { result, ending } = await this.#sends.run(() => this.#wait(attempt), undefined, deadline, abort)
    if (result) return
    if (isAbort(ending)) throw ending.reason
    throw notSent()
  }

  sendSync(message: Out, options: AcquireSyncOptions | undefined): void {
    const deadline = deadlineOf(options)
    const encoded = this.#encode(message)
    if (this.#fits(encoded) && this.#sendNow(encoded)) return
    const put = this.#attemptsAt(encoded)
    const attempt = () => (this.#maySendNow() ? put() : undefined)
    if (!this.#fits(encoded) && attempt()) return
    const { head } = this.#ring
    const hasMoved = () => this.#ring.head !== head
    if (this.#eagerness.lookFor(hasMoved) && attempt()) return
    if (!runBlocking(this.#memory, this.#wait(attempt), deadline)) throw notSent()
  }

  trySend(message: Out): boolean {
    const encoded = this.#encode(message)
    if (this.#fits(encoded)) return this.#sendNow(encoded)
    throw outOfRange(
      `the message takes ${headerBytes + encoded.byteLength} bytes; the pipe holds ${this.#ring.capacityBytes}, so that only a send which may wait can send it`,
    )
  }

  #encode(message: Out): Writable {
    const encoded = encodeBytes(message)
    const { maxMessageBytes } = this.#end
    if (encoded.byteLength > maxMessageBytes)
      throw outOfRange(
        `the message takes ${encoded.byteLength} bytes; this pipe carries ${maxMessageBytes}: see its option maxMessageBytes`,
      )
    return encoded
  }

  /** Whether it has room in the ring in one piece, when nothing else is inside. */
  #fits(message: Writable): boolean {
    return headerBytes + message.byteLength <= this.#ring.capacityBytes
  }

  /** Whether no earlier send of this thread waits; those that do are looked after first. */
  #maySendNow(): boolean {
    if (this.#sends.size === 0) return true
    this.#sends.lookAgain()
    return this.#sends.size === 0
  }

  #sendNow(message: Writable): boolean {
    return this.#maySendNow() && this.#put(message) === true
  }

  /** @returns puts the message, or those of its parts that have room; undefined: there are some left */
  #attemptsAt(message: Writable): () => true | undefined {
    if (this.#fits(message)) return () => this.#put(message)
    const bytes = new Uint8Array(message.byteLength)
    message.writeTo(bytes, 0)
    // Several of them inside at a time: one end writes while the other reads. Whole words, since others are copied slowly.
    const maxFrameBytes = (this.#ring.capacityBytes >>> 5) * 8
    const frames = new MessageFrames(bytes, { maxFrameBytes, maxMessageBytes: this.#end.maxMessageBytes })
    return () => this.#putParts(frames)
  }

  *#wait(attempt: () => true | undefined): Steps<true | undefined> {
    const result = yield* waitUntil(this.#memory, this.#ring.room, attempt, nobodyElse)
    // If there was a part of it, the other end need not wait for the rest.
    if (result === undefined) this.#end.noteSending(false)
    return result
  }

  #put(message: Writable): true | undefined {
    throwIfClosed(this.#memory)
    this.#end.throwIfPeerIsGone()
    let put = this.#ring.putWhole(message)
    if (put === FULL && letGoOn(this.#receives)) put = this.#ring.putWhole(message)
    return this.#isPut(put) ? true : undefined
  }

  #putParts(frames: MessageFrames): true | undefined {
    throwIfClosed(this.#memory)
    this.#end.throwIfPeerIsGone()
    while (!frames.done) {
      // Before the first of them is there.
      this.#end.noteSending(true)
      let put = this.#ring.putPart(frames)
      if (put === FULL && letGoOn(this.#receives)) put = this.#ring.putPart(frames)
      if (!this.#isPut(put)) return undefined
      frames.advance()
    }
    this.#end.noteSending(false)
    return true
  }

  /** @returns false: there was no room */
  #isPut(put: number): boolean {
    throwIfClosed(this.#memory)
    if (put > 0) {
      signal(this.#memory, this.#ring.items, EVERYBODY)
      letGoOn(this.#receives)
      return true
    }
    this.#end.check()
    if (put === FULL && this.#ownReceives) letGoOn(this.#ownReceives)
    if (put === FULL) return false
    if (put === OVER) this.#end.throwIfPeerIsGone()
    throw brokenPipe()
  }
}

const notSent = () => new TimeoutError('the message was not sent in time')
