import type { AcquireOptions, AcquireSyncOptions, Memory, SharedObjectHandle } from '@heddle/sync-primitives'
import { badHandle, invalidArgument, ObjectKind, type Place } from '@heddle/sync-primitives/building-blocks'
import { ClosedError } from './errors.js'
import { EndState } from './pipe/end-state.js'
import { pipeWords } from './pipe/layout.js'
import { type MessageBox, Receiver } from './pipe/receiver.js'
import { Sender } from './pipe/sender.js'

const kind = new ObjectKind({
  name: 'ipc-channels/PipeEnd',
  version: 1,
  tag: 0x50697065, // "Pipe"
  fromHandle: (handle) => PipeEnd.fromHandle(handle),
})

/** What a pipe is made of, checked. */
interface PipeShape {
  readonly memory: Memory | undefined
  readonly capacityBytes: number
  readonly maxMessageBytes: number
  readonly directions: number
}

/**
 * One of the two ends of a pipe: what is sent at one is received at the other, by another thread, or in a segment by another
 * process.
 *
 * Messages are copied, by the codec's rules, when they are sent, and stay apart and in order. One that has no room in the pipe
 * goes through in parts, and arrives whole or not at all. A sender that is ahead by the capacity of the pipe waits.
 *
 * Ownership: an end belongs to the object that opened it last. Its creator has both; {@link PipeEnd.fromHandle} takes one over, and
 * so does who receives one in a message. Whoever had it before gets LockStateError `ERR_NOT_OWNER` from every call and for every call
 * that waits; the messages that nobody has received yet are the new owner's.
 *
 * Fairness: the calls of one thread go in the order they came, sends and receives each, whether they await or block. Memory: what
 * was written before a send is visible after the receive of that message.
 *
 * Death: when the thread or process that has the other end dies, that is noticed within some tens of milliseconds: what it has
 * sent is received, and then receiving fails, and sending at once. Who is killed in the middle of a send has sent nothing.
 *
 * Closed: when its memory is closed, as a segment can be, every method but `toHandle` throws ClosedError `ERR_CLOSED`, and so
 * does every call that waits.
 */
export class PipeEnd<Out, In> {
  readonly #place: Place
  readonly #side: number
  readonly #end: EndState
  readonly #sends: Sender<Out> | undefined
  readonly #receives: Receiver<In> | undefined

  /** @internal */
  constructor(place: Place, side: number, isNew: boolean) {
    this.#place = place
    this.#side = side
    this.#end = new EndState(place, side, isNew)
    const { outgoing, incoming } = this.#end
    this.#sends = outgoing && new Sender(this.#end, outgoing)
    this.#receives = incoming && new Receiver(this.#end, incoming)
  }

  /** @internal */
  static createBoth(shape: PipeShape): [PipeEnd<unknown, unknown>, PipeEnd<unknown, unknown>] {
    const { memory, capacityBytes, maxMessageBytes, directions } = shape
    const place = kind.allocate(() => pipeWords(capacityBytes, directions), memory)
    EndState.format(place, capacityBytes, maxMessageBytes, directions)
    kind.publish(place)
    return [new PipeEnd(place, 0, true), new PipeEnd(place, 1, true)]
  }

  /**
   * Sends a copy of the message, without blocking the thread, when there is room; waits behind earlier sends of this thread. The
   * copy is made at the call, and if there is room it is on its way when the call returns. A pending call keeps the process
   * alive. Fulfilled when the message, or the last part of it, is in the pipe: nobody need have received it.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws TimeoutError `ERR_TIMEOUT`: no room in time; or the reason of `options.signal` as given, when it aborts. Nothing was
   * sent: if a part was on its way, the other end drops it
   * @throws BrokenError `ERR_PEER_GONE`: the other end was closed, or who had it has died; nothing was sent
   * @throws ClosedError `ERR_CLOSED`: this end is closed, or was while this waited; nothing was sent, and if a part was on its
   * way, the other end gets BrokenError for it
   * @throws LockStateError `ERR_NOT_OWNER`: this end was opened elsewhere since; nothing was sent
   * @throws NotCloneableError `ERR_NOT_CLONEABLE`: the message holds what cannot be copied; nothing was sent
   * @throws RangeError `ERR_OUT_OF_RANGE`: it takes more than `maxMessageBytes` bytes, or a bad timeout; nothing was sent
   * @throws TypeError `ERR_INVALID_ARG`: this end only receives, or bad options; nothing was sent
   * @throws CorruptError `ERR_CORRUPT`: something else has written to the pipe's memory; nothing was sent
   */
  async send(message: Out, options?: AcquireOptions): Promise<void> {
    await this.#sender.send(message, options)
  }

  /**
   * Sends a copy of the message, and blocks this thread and its event loop until there is room. On a main thread prefer
   * {@link PipeEnd.send}. Tasks of this thread do not run meanwhile: if only they receive at the other end, it waits for ever.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws as {@link PipeEnd.send}, but there is no signal
   */
  sendSync(message: Out, options?: AcquireSyncOptions): void {
    this.#sender.sendSync(message, options)
  }

  /**
   * Sends a copy of the message if that needs no waiting: there is room, and no earlier send of this thread waits. Does not
   * block.
   *
   * @returns whether it was sent
   * @throws RangeError `ERR_OUT_OF_RANGE`: it takes more than `capacityBytes` bytes, and so cannot go without waiting; nothing
   * was sent
   * @throws as {@link PipeEnd.send}, but for TimeoutError
   */
  trySend(message: Out): boolean {
    return this.#sender.trySend(message)
  }

  /**
   * Receives the oldest message, without blocking the thread, when it is there; waits behind earlier receives of this thread. A
   * pending call keeps the process alive. One that fails has received nothing, but for a message that cannot be opened here; of a
   * message that was on its way in parts nothing is lost, the next call goes on with it.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws TimeoutError `ERR_TIMEOUT`: no message in time; or the reason of `options.signal` as given, when it aborts
   * @throws ClosedError `ERR_CLOSED`: the end of the stream: the other end was closed, and nothing is left; or this end is closed
   * @throws BrokenError `ERR_PEER_GONE`: who had the other end has died, and nothing is left; or the other end died, or was
   * closed, in the middle of a message: what has come of that one is dropped, and the next call says what is left
   * @throws LockStateError `ERR_NOT_OWNER`: this end was opened elsewhere since
   * @throws TypeError `ERR_BAD_HANDLE`: the message holds a shared object that cannot be opened here; the message is gone
   * @throws CorruptError `ERR_CORRUPT`: something else has written to the pipe's memory; or the beginning of a message went to who
   * had this end before. The message is gone, the next call goes on behind it; or, where the counts of the pipe were damaged,
   * every call fails
   * @throws TypeError `ERR_INVALID_ARG`: this end only sends, or bad options; RangeError `ERR_OUT_OF_RANGE`: a bad timeout
   */
  async receive(options?: AcquireOptions): Promise<In> {
    return this.#receiver.receive(options)
  }

  /**
   * Receives the oldest message, and blocks this thread and its event loop until it is there. On a main thread prefer
   * {@link PipeEnd.receive}. Tasks of this thread do not run meanwhile: if only they send at the other end, it waits for ever.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws as {@link PipeEnd.receive}, but there is no signal
   */
  receiveSync(options?: AcquireSyncOptions): In {
    return this.#receiver.receiveSync(options)
  }

  /**
   * Receives the oldest message if that needs no waiting: it is there, with all of its parts, and no earlier receive of this
   * thread waits. Does not block.
   *
   * @returns the message in a box, since it may itself be undefined; or undefined, and nothing was received
   * @throws as {@link PipeEnd.receive}, but for TimeoutError
   */
  tryReceive(): MessageBox<In> | undefined {
    return this.#receiver.tryReceive()
  }

  /**
   * Waits, without blocking the thread, until a receive would not wait: a message is there, or there will never be one again, or
   * it would fail. It receives nothing. It waits behind earlier receives of this thread. A pending call keeps the process alive.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 looks once
   * @returns false: not in time
   * @throws the reason of `options.signal` as given, when it aborts
   * @throws ClosedError `ERR_CLOSED`: this end is closed; LockStateError `ERR_NOT_OWNER`: it was opened elsewhere since
   * @throws TypeError `ERR_INVALID_ARG`: this end only sends, or bad options; RangeError `ERR_OUT_OF_RANGE`: a bad timeout
   * @throws CorruptError `ERR_CORRUPT`: something else has written to the pipe's memory
   */
  async poll(options?: AcquireOptions): Promise<boolean> {
    return this.#receiver.poll(options)
  }

  /** The same, and blocks as {@link PipeEnd.receiveSync} does. There is no signal. */
  pollSync(options?: AcquireSyncOptions): boolean {
    return this.#receiver.pollSync(options)
  }

  /**
   * Receives the messages one by one, as {@link PipeEnd.receive} does, and ends when either end was closed and nothing is left to
   * receive; it throws when who had the other end has died. Leaving the loop receives nothing more, and closes nothing.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<In, void, undefined> {
    for (;;) {
      let message: In
      try {
        message = await this.receive()
      } catch (error) {
        // Not if its memory is gone: there may be messages that nobody has seen.
        if (error instanceof ClosedError && !this.#place.memory.isClosed) return
        throw error
      }
      yield message
    }
  }

  /**
   * Closes this end, for good: what was sent can still be received at the other end, and then receiving there says
   * `ERR_CLOSED`; sending there fails at once. What was not received here is dropped. Wakes all who wait at both ends: here they
   * get `ERR_CLOSED`. A second call does nothing, nor one after the end was opened elsewhere: it is not this object's to close.
   * Does not block.
   *
   * @throws ClosedError `ERR_CLOSED`: its memory was closed
   */
  close(): void {
    this.#end.close()
  }

  /** Closes this end, as {@link PipeEnd.close} does; also in a closed memory, where there is nothing to close. */
  [Symbol.dispose](): void {
    if (!this.#place.memory.isClosed) this.close()
  }

  /** Whether this end was closed. Does not block. @throws ClosedError `ERR_CLOSED`: its memory was closed */
  get closed(): boolean {
    return this.#end.isClosed
  }

  /**
   * Plain data by which another thread opens this end; of a pipe in a segment, another process too, also as JSON. This object
   * has the end until then.
   */
  toHandle(): SharedObjectHandle {
    return { ...kind.handleOf(this.#place), end: this.#side }
  }

  /**
   * Opens the end that a handle names, in this thread: from now on it belongs to the object that this gives. Does not block, but
   * for opening its segment where this thread has not.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of an end, or a damaged one; or it came from another process, and the pipe is
   * in no segment. The end stays whose it was
   * @throws ClosedError `ERR_CLOSED`: its memory was closed
   * @throws what opening the segment throws
   */
  static fromHandle<Out, In>(handle: SharedObjectHandle): PipeEnd<Out, In> {
    const place = kind.open(handle)
    const { end } = handle
    if (end !== 0 && end !== 1) throw badHandle('the handle names no end of its pipe')
    return new PipeEnd<Out, In>(place, end, false)
  }

  get #sender(): Sender<Out> {
    if (!this.#sends) throw invalidArgument('this end of a one-way pipe only receives')
    return this.#sends
  }

  get #receiver(): Receiver<In> {
    if (!this.#receives) throw invalidArgument('this end of a one-way pipe only sends')
    return this.#receives
  }
}
