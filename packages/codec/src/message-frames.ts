import { types } from 'node:util'
import { CorruptError, invalidArgument, outOfRange } from './errors.js'

/**
 * A message, which is any bytes, cut into frames. Frames follow one another without anything between them.
 *
 * bytes of a frame · name  · meaning
 * 0 to 3           · SIZE  · how many bytes of the message are in this frame
 * 4 to 7           · LEFT  · bit 31: BEGINS, a message begins here; the others: how many of its bytes are left, from this frame on
 * 8…               · bytes · SIZE of them
 *
 * The numbers lie in the byte order of the machine, as what `toBytes` gives does.
 *
 * Invariant: a frame that begins a message says how long it is; each other one of it says what the ones before have left.
 * Invariant: a message that a new one follows too early was given up by its sender. It is never given to anybody, in part or
 * joined with another one.
 */
const headerBytes = 8
const BEGINS = 0x8000_0000

const mostMessageBytes = 2 ** 31 - 1
const defaultMessageBytes = 64 * 1024 * 1024
const defaultFrameBytes = 64 * 1024

/** How a message is cut. */
export interface MessageFramesOptions {
  /** The most bytes of a frame, its header of 8 included; a whole number from 9 to 2,147,483,647. Default: 65,536. */
  readonly maxFrameBytes?: number | undefined
  /** The longest message, in bytes; a whole number from 0 to 2,147,483,647. Default: 67,108,864. */
  readonly maxMessageBytes?: number | undefined
}

const cell = new Uint32Array(2)
const cellBytes = new Uint8Array(cell.buffer)

/**
 * The frames of one message, for a channel that carries bytes in pieces: a socket, a pipe, a file, a ring that is smaller than
 * the message. {@link MessageAssembler} puts them together again.
 *
 * Either iterate over them, which gives each frame in memory of its own; or write them in place, one after the other: while it
 * is not `done`, there is a frame of `byteLength` bytes, `writeTo` writes it, and `advance` goes on to the next one. The message
 * is read when a frame is written, and must not change before.
 */
export class MessageFrames implements Iterable<Uint8Array<ArrayBuffer>> {
  readonly #message: Uint8Array
  readonly #mostSize: number
  /** Of the message, that earlier frames hold. */
  #taken = 0
  #done = false

  /**
   * Does not block, and copies nothing.
   *
   * @param message - any bytes, also none
   * @throws RangeError `ERR_OUT_OF_RANGE`: the message is longer than `maxMessageBytes`, or a bad limit
   * @throws TypeError `ERR_INVALID_ARG`: `message` is no Uint8Array, or bad options
   */
  constructor(message: Uint8Array, options: MessageFramesOptions = {}) {
    if (!types.isUint8Array(message)) throw invalidArgument('a message must be a Uint8Array')
    const limit = messageLimit(options)
    this.#mostSize =
      wholeNumber('maxFrameBytes', options.maxFrameBytes ?? defaultFrameBytes, headerBytes + 1) - headerBytes
    if (message.length > limit)
      throw outOfRange(`the message has ${message.length} bytes; the limit is ${limit}: see maxMessageBytes`)
    this.#message = message
  }

  /** Whether all frames have been written: `advance` was called for the last one. */
  get done(): boolean {
    return this.#done
  }

  /** How many bytes the frame that is next has, its header included; 0 when there is none. */
  get byteLength(): number {
    return this.#done ? 0 : headerBytes + this.#size
  }

  get #size(): number {
    return Math.min(this.#mostSize, this.#message.length - this.#taken)
  }

  /**
   * Writes the frame that is next to `target`, from `offset` on, at any alignment. May be called more than once. Does not block.
   *
   * @throws TypeError `ERR_INVALID_ARG`: `target` is no Uint8Array; nothing was written
   * @throws RangeError `ERR_OUT_OF_RANGE`: it does not fit there, or there is none; nothing was written
   */
  writeTo(target: Uint8Array, offset: number): void {
    const { byteLength } = this
    if (!types.isUint8Array(target)) throw invalidArgument('the target of bytes must be a Uint8Array')
    if (byteLength === 0) throw outOfRange('all frames of the message were written')
    if (!Number.isSafeInteger(offset) || offset < 0 || offset + byteLength > target.length)
      throw outOfRange(`${byteLength} bytes do not fit at ${offset}: the target has ${target.length}`)
    const size = byteLength - headerBytes
    cell[0] = size
    cell[1] = (this.#message.length - this.#taken) | (this.#taken === 0 ? BEGINS : 0)
    for (let index = 0; index < headerBytes; index += 1) target[offset + index] = cellBytes[index] as number
    target.set(this.#message.subarray(this.#taken, this.#taken + size), offset + headerBytes)
  }

  /** Goes on to the next frame. Nothing happens when it is done. */
  advance(): void {
    this.#taken += this.#size
    // A message without bytes has one frame, too.
    this.#done = this.#taken === this.#message.length
  }

  /** Each frame that is left, in memory of its own, made when it is asked for. */
  *[Symbol.iterator](): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
    for (; !this.#done; this.advance()) {
      const frame = new Uint8Array(this.byteLength)
      this.writeTo(frame, 0)
      yield frame
    }
  }
}

/** What an assembler takes. */
export interface MessageAssemblerOptions {
  /** The longest message that is taken, in bytes; a whole number from 0 to 2,147,483,647. Default: 67,108,864. */
  readonly maxMessageBytes?: number | undefined
}

/**
 * Puts messages together from the frames of {@link MessageFrames}, however the bytes of those come in: many frames in one
 * chunk, one frame in many, cut anywhere. It gives whole messages only.
 *
 * A message whose sender gave it up, to begin another one, is dropped. It takes memory for the one message that it is at, and
 * not before that one's length was compared with the limit.
 */
export class MessageAssembler {
  readonly #limit: number
  readonly #header = new Uint8Array(headerBytes)
  /** Bytes of the header that have come; 8 within a frame's bytes. */
  #headerFilled = 0
  /** Bytes of the frame that are still to come. */
  #frameLeft = 0
  /** The message that is incomplete. */
  #message: Uint8Array<ArrayBuffer> | undefined
  #filled = 0
  #failure: Error | undefined
  #hasEnded = false

  /** @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options */
  constructor(options: MessageAssemblerOptions = {}) {
    this.#limit = messageLimit(options)
  }

  /** Whether all that came belongs to whole messages: the stream may end here. */
  get isBetweenMessages(): boolean {
    return this.#message === undefined && this.#headerFilled === 0
  }

  /**
   * Takes the next bytes of the stream. Does not block. The chunk may be used again afterwards: what is given has memory of its
   * own. It may be memory that others write to meanwhile: each byte is read once.
   *
   * @returns the messages that are complete now, in their order; often none
   * @throws CorruptError `ERR_CORRUPT`: the bytes are no frames, or those of a message that is longer than the limit. What was
   * complete before them is given first, and the error by the next call; then by every further one, since nobody knows where
   * the next frame begins
   * @throws TypeError `ERR_INVALID_ARG`: `chunk` is no Uint8Array; nothing was taken; or `end` was called
   */
  push(chunk: Uint8Array): Uint8Array<ArrayBuffer>[] {
    if (this.#failure) throw this.#failure
    if (this.#hasEnded) throw invalidArgument('the stream of this assembler has ended')
    if (!types.isUint8Array(chunk)) throw invalidArgument('a chunk must be a Uint8Array')
    const messages: Uint8Array<ArrayBuffer>[] = []
    let offset = 0
    while (offset < chunk.length) {
      if (this.#headerFilled < headerBytes) {
        this.#header[this.#headerFilled] = chunk[offset] as number
        this.#headerFilled += 1
        offset += 1
        if (this.#headerFilled < headerBytes) continue
        this.#failure = this.#begin()
        if (this.#failure) {
          this.#message = undefined
          if (messages.length === 0) throw this.#failure
          return messages
        }
      } else {
        const message = this.#message as Uint8Array
        const size = Math.min(this.#frameLeft, chunk.length - offset)
        message.set(chunk.subarray(offset, offset + size), this.#filled)
        offset += size
        this.#filled += size
        this.#frameLeft -= size
      }
      if (this.#frameLeft > 0) continue
      this.#headerFilled = 0
      if (this.#filled < (this.#message as Uint8Array).length) continue
      messages.push(this.#message as Uint8Array<ArrayBuffer>)
      this.#message = undefined
    }
    return messages
  }

  /**
   * Says that the stream has ended. Does not block. A second call does nothing, but for the errors below.
   *
   * @throws CorruptError `ERR_CORRUPT`: a message is incomplete, and is dropped; or as {@link MessageAssembler.push}
   */
  end(): void {
    this.#hasEnded = true
    const message = this.#message
    if (this.#failure === undefined && !this.isBetweenMessages)
      this.#failure = new CorruptError(
        message
          ? `the stream has ended within a message: ${this.#filled} of its ${message.length} bytes have come`
          : `the stream has ended within a frame's header: ${this.#headerFilled} of its ${headerBytes} bytes have come`,
      )
    this.#message = undefined
    if (this.#failure) throw this.#failure
  }

  /** With a header that has just come. @returns why it is none */
  #begin(): Error | undefined {
    cellBytes.set(this.#header)
    const size = cell[0] as number
    const begins = (cell[1] as number) >= BEGINS
    const left = (cell[1] as number) % BEGINS
    const expected = this.#message ? this.#message.length - this.#filled : -1
    if (size > left || (size === 0 && left > 0)) return new CorruptError('these bytes are no frame of a message')
    if (!begins && left !== expected) return new CorruptError('a frame does not continue the message before it')
    if (left > this.#limit)
      return new CorruptError(`a message of ${left} bytes was announced; the limit is ${this.#limit}`)
    if (begins) {
      try {
        this.#message = new Uint8Array(left)
      } catch (cause) {
        return new CorruptError(`there is no memory for a message of ${left} bytes`, { cause })
      }
      this.#filled = 0
    }
    this.#frameLeft = size
    return undefined
  }
}

function messageLimit(options: MessageAssemblerOptions): number {
  if (typeof options !== 'object' || options === null) throw invalidArgument('options must be an object')
  return wholeNumber('maxMessageBytes', options.maxMessageBytes ?? defaultMessageBytes, 0)
}

function wholeNumber(name: string, value: unknown, least: number): number {
  if (typeof value !== 'number') throw invalidArgument(`${name} must be a number`)
  if (!Number.isInteger(value) || value < least || value > mostMessageBytes)
    throw outOfRange(`${name} must be a whole number from ${least} to ${mostMessageBytes}, not ${value}`)
  return value
}
