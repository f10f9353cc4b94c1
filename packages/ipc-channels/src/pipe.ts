import type { Memory } from '@heddle/sync-primitives'
import { booleanOption, objectOption, wholeNumber } from '@heddle/sync-primitives/building-blocks'
import { leastCapacityBytes, mostMessageBytes } from './pipe/layout.js'
import { PipeEnd } from './pipe-end.js'
import { mostCapacityBytes } from './ring/layout.js'

/** How a pipe is made. */
export interface PipeOptions {
  /** Where its words are: a segment that processes share, say. Default: memory that the threads of this process share. */
  readonly memory?: Memory | undefined
  /**
   * The most bytes on their way in each direction, with 8 for each message, each rounded up to 4; a whole number from 64 to
   * 1,073,741,824. A message that takes more goes through in parts. Default: 65,536.
   */
  readonly capacityBytes?: number | undefined
  /** Whether both ends send and receive; otherwise the first only receives, and the second only sends. Default: true. */
  readonly duplex?: boolean | undefined
  /** The longest message, in bytes as the codec counts them; a whole number from 1 to 2,147,483,647. Default: 67,108,864. */
  readonly maxMessageBytes?: number | undefined
}

const defaultCapacityBytes = 65_536
const defaultMessageBytes = 67_108_864

/** Pipes, by which two threads or two processes send messages to each other: see {@link PipeEnd}. */
export const Pipe = {
  /**
   * Makes a new pipe. Does not block. All of its memory is taken at once. Both ends belong to this thread, until another one
   * opens one of them by its handle.
   *
   * @returns the first end, and the second; with `duplex: false` the one that receives, and the one that sends
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, or no room in `memory`
   * @throws ClosedError `ERR_CLOSED`: `memory` was closed
   */
  create: create as PipeCreation,
}

/** The type parameters are what goes from the first end to the second, and back. */
interface PipeCreation {
  <Message = unknown>(
    options: PipeOptions & { readonly duplex: false },
  ): [receiver: PipeEnd<never, Message>, sender: PipeEnd<Message, never>]
  <FirstToSecond = unknown, SecondToFirst = FirstToSecond>(
    options?: PipeOptions & { readonly duplex?: true | undefined },
  ): [first: PipeEnd<FirstToSecond, SecondToFirst>, second: PipeEnd<SecondToFirst, FirstToSecond>]
}

function create(options?: PipeOptions): [PipeEnd<unknown, unknown>, PipeEnd<unknown, unknown>] {
  const {
    memory,
    capacityBytes = defaultCapacityBytes,
    duplex = true,
    maxMessageBytes = defaultMessageBytes,
  } = objectOption(options)
  return PipeEnd.createBoth({
    memory,
    capacityBytes: wholeNumber('capacityBytes', capacityBytes, leastCapacityBytes, mostCapacityBytes),
    maxMessageBytes: wholeNumber('maxMessageBytes', maxMessageBytes, 1, mostMessageBytes),
    directions: booleanOption('duplex', duplex) ? 2 : 1,
  })
}
