import type { Memory } from '@heddle/sync-primitives'
import { badHandle, laneOf, type Place, slotOf, throwIfClosed } from '@heddle/sync-primitives/building-blocks'
import { BrokenError, ClosedError, corrupt, LockStateError } from '../errors.js'
import { signalEverybody } from '../ring/signal.js'
import { sizeCheck } from '../ring/size-check.js'
import {
  CAPACITY_BYTES,
  DIRECTIONS,
  END,
  endWords,
  leastCapacityBytes,
  MESSAGE_BYTES,
  OPENINGS,
  OWNER,
  pipeWords,
  ringIndex,
  SENDING,
  SIZE_CHECK,
  STATE,
} from './layout.js'
import { PipeRing } from './pipe-ring.js'

/** One end of a pipe, as the object sees it that opened it: whose it is, whether it is open, and what has become of the other. */
export class EndState {
  readonly memory: Memory
  readonly maxMessageBytes: number
  /** What this end receives from, and what it sends to; a one-way pipe has one of them. */
  readonly incoming: PipeRing | undefined
  readonly outgoing: PipeRing | undefined
  readonly #words: Int32Array
  readonly #participant: number
  /** The words of this end, and of the other one. */
  readonly #own: number
  readonly #peer: number
  readonly #opening: number

  /**
   * @param side - 0: the first end of the pipe
   * @param isNew - it was made just now, by the caller; otherwise this object takes the end over
   * @throws TypeError `ERR_BAD_HANDLE`: the words hold no pipe
   */
  constructor({ memory, index }: Place, side: number, isNew: boolean) {
    const { words } = memory
    const capacityBytes = Atomics.load(words, index + CAPACITY_BYTES)
    const maxMessageBytes = Atomics.load(words, index + MESSAGE_BYTES)
    const directions = Atomics.load(words, index + DIRECTIONS)
    const isPossible =
      capacityBytes >= leastCapacityBytes &&
      maxMessageBytes >= 1 &&
      (directions === 1 || directions === 2) &&
      Atomics.load(words, index + SIZE_CHECK) === sizeCheck(capacityBytes, maxMessageBytes, directions)
    if (!isPossible || index + pipeWords(capacityBytes, directions) > words.length)
      throw badHandle('the handle names a damaged pipe')
    const ringFor = (end: number): PipeRing | undefined => {
      if (end >= directions) return undefined
      return new PipeRing(memory, index + ringIndex(end, capacityBytes), capacityBytes, maxMessageBytes, this.check)
    }
    this.memory = memory
    this.maxMessageBytes = maxMessageBytes
    this.incoming = ringFor(side)
    this.outgoing = ringFor(1 - side)
    this.#words = words
    this.#participant = memory.participant
    this.#own = index + END + side * endWords
    this.#peer = index + END + (1 - side) * endWords
    this.#opening = isNew ? Atomics.load(words, this.#own + OPENINGS) : this.#takeOver()
  }

  /** Writes the first words of both ends: they belong to this thread. */
  static format({ memory, index }: Place, capacityBytes: number, maxMessageBytes: number, directions: number): void {
    const { words, participant } = memory
    Atomics.store(words, index + CAPACITY_BYTES, capacityBytes)
    Atomics.store(words, index + MESSAGE_BYTES, maxMessageBytes)
    Atomics.store(words, index + DIRECTIONS, directions)
    Atomics.store(words, index + SIZE_CHECK, sizeCheck(capacityBytes, maxMessageBytes, directions))
    for (const end of [index + END, index + END + endWords]) Atomics.store(words, end + OWNER, participant)
  }

  /** From now on the end is this object's. @returns the number of this opening */
  #takeOver(): number {
    let opening = 0
    this.#underLocks(() => {
      // In this order: who dies in between has opened it.
      Atomics.store(this.#words, this.#own + OWNER, this.#participant)
      opening = (Atomics.load(this.#words, this.#own + OPENINGS) + 1) | 0
      Atomics.store(this.#words, this.#own + OPENINGS, opening)
    })
    throwIfClosed(this.memory)
    // Who had it before and waits learns that it has not any more.
    if (this.incoming) this.#wake(this.incoming.items)
    if (this.outgoing) this.#wake(this.outgoing.room)
    return opening
  }

  /** While nothing is sent or received by this end. */
  #underLocks(change: () => void): void {
    this.incoming?.takeLock.lock()
    try {
      this.outgoing?.putLock.lock()
      try {
        change()
      } finally {
        this.outgoing?.putLock.unlock()
      }
    } finally {
      this.incoming?.takeLock.unlock()
    }
  }

  #wake(index: number): void {
    signalEverybody(this.memory, index)
    laneOf(this.memory, index).lookAgain()
  }

  /** Closes the end, unless it is another object's by now. A second time does nothing. */
  close(): void {
    throwIfClosed(this.memory)
    this.#underLocks(() => {
      if (this.#isMine()) Atomics.store(this.#words, this.#own + STATE, 1)
    })
    if (!this.isClosed) return
    for (const ring of [this.incoming, this.outgoing]) {
      if (!ring) continue
      ring.close()
      throwIfClosed(this.memory)
      this.#wake(ring.items)
      this.#wake(ring.room)
    }
  }

  get isClosed(): boolean {
    const state = Atomics.load(this.#words, this.#own + STATE)
    throwIfClosed(this.memory)
    return state !== 0
  }

  #isMine(): boolean {
    return (
      Atomics.load(this.#words, this.#own + OPENINGS) === this.#opening &&
      Atomics.load(this.#words, this.#own + OWNER) === this.#participant
    )
  }

  /** @throws ClosedError `ERR_CLOSED`: this end is closed; LockStateError `ERR_NOT_OWNER`: it is another object's */
  readonly check = (): void => {
    const isMine = this.#isMine()
    if (this.isClosed) throw new ClosedError('this end of the pipe was closed')
    if (!isMine)
      throw new LockStateError('ERR_NOT_OWNER', 'this end of the pipe was opened elsewhere since, and is used there')
  }

  /** Whether nobody sends or receives at the other end any more. */
  get isPeerGone(): boolean {
    return this.#isPeerClosed || this.#isPeerDead
  }

  get #isPeerClosed(): boolean {
    return Atomics.load(this.#words, this.#peer + STATE) !== 0
  }

  get #isPeerDead(): boolean {
    const owner = Atomics.load(this.#words, this.#peer + OWNER)
    if (owner === this.#participant) return false
    const slot = slotOf(owner)
    if (slot < 1 || slot > this.memory.slots) throw corrupt('the owner of an end of a pipe is nobody who can be')
    return this.memory.isDead(owner)
  }

  /** @throws BrokenError `ERR_PEER_GONE`, or as {@link EndState.check} */
  throwIfPeerIsGone(): void {
    const isClosed = this.#isPeerClosed
    const isGone = isClosed || this.#isPeerDead
    throwIfClosed(this.memory)
    if (!isGone) return
    this.check()
    throw new BrokenError(isClosed ? 'the other end of the pipe was closed' : peerDied)
  }

  /** What a receive comes to when the other end is gone and nothing is left. @param hasPart - of a message */
  endOfStream(hasPart: boolean): Error {
    const isClosed = this.#isPeerClosed
    const isUnfinished = hasPart && Atomics.load(this.#words, this.#peer + SENDING) !== 0
    throwIfClosed(this.memory)
    const what = isClosed ? 'the other end of the pipe was closed' : peerDied
    if (isUnfinished) return new BrokenError(`${what} in the middle of a message; what has come of it is dropped`)
    return isClosed
      ? new ClosedError(`${what}, and nothing is left in it`)
      : new BrokenError(`${what}, and nothing is left`)
  }

  /** Says whether a part of a message is in the pipe, and this end is going to send the rest. */
  noteSending(isSending: boolean): void {
    if (this.#isMine()) Atomics.store(this.#words, this.#own + SENDING, isSending ? 1 : 0)
  }
}

const peerDied = 'the thread or process at the other end of the pipe died'

export const brokenPipe = () => corrupt('the counts of a pipe do not fit')
