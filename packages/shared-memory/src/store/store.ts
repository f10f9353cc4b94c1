import { ClosedError, type Memory } from '@heddle/sync-primitives'
import { InnerLock } from '@heddle/sync-primitives/building-blocks'
import { corrupt } from '../errors.js'
import { Bins, isFree } from './bins.js'
import { Chunks } from './chunks.js'
import {
  BEFORE,
  CLAIM,
  END,
  FREE,
  granuleWords,
  HEAD,
  headOf,
  LIVE,
  LOCK,
  mostChunks,
  SEED,
  SEQUENCE,
  sizeOf,
  stateOf,
  USED,
  VOLATILE,
} from './layout.js'

/** What a structure has to say when its store repairs itself. Both are called under the lock, in this order. */
export interface Structure {
  /** Whether a block that is LIVE or CLAIM still counts; it is freed otherwise. Called for each of them, in no order. */
  keeps(block: number, state: number): boolean
  /** Makes again what is volatile: no block but those that were kept is left. */
  relink(): void
}

/**
 * Whether earlier plain loads may not pass a later atomic one. Where they may, a read of the sequence must be one that writes.
 */
const loadsStayInOrder = ((): boolean => {
  const { arch } = (globalThis as { process?: { arch?: string } }).process ?? {}
  return arch === 'x64' || arch === 'ia32'
})()

/**
 * The blocks of one structure, its lock, and its sequence; see `layout.ts`.
 *
 * A change: `enter`; find out what to do, and throw what there is to throw; `begin`; change; `end`; `leave`, also after an
 * exception. One that comes between `begin` and `end` leaves the sequence odd: the next to enter repairs.
 *
 * A read without the lock: `sequence`; plain loads, each of which may find nonsense; `isUnchanged`; then what was read holds.
 *
 * More than 300 lines: all of it is what may be done under one lock on one set of words, and what repairs it.
 */
export class Store {
  readonly memory: Memory
  readonly words: Int32Array
  readonly #root: number
  readonly #seed: number
  readonly #lock: InnerLock
  readonly #chunks: Chunks
  readonly #bins: Bins
  readonly #structure: Structure

  /** @param root - the index of the store's first word; {@link Store.format} has been there before */
  constructor(memory: Memory, root: number, structure: Structure) {
    this.memory = memory
    this.words = memory.words
    this.#root = root
    this.#seed = Atomics.load(memory.words, root + SEED)
    this.#lock = new InnerLock(memory, root + LOCK)
    this.#chunks = new Chunks(memory, root)
    this.#bins = new Bins(memory.words, root, this.#chunks)
    this.#structure = structure
  }

  /** Writes the words of a new store, which are zero so far. */
  static format(memory: Memory, root: number): void {
    const [random = 0] = crypto.getRandomValues(new Int32Array(1))
    memory.words[root + SEQUENCE] = 2
    memory.words[root + SEED] = random || 1
  }

  /** Whether a store at `root` was disposed of, though its object is still there: by one who died before that was gone too. */
  static isDisposed(memory: Memory, root: number): boolean {
    return Atomics.load(memory.words, root + SEED) === 0
  }

  /** Random, and never changed: it begins the hashes, and tells this structure from a later one in the same place. */
  get seed(): number {
    return this.#seed
  }

  /** @throws ClosedError `ERR_CLOSED`: the memory was closed by this process, or the structure was disposed of */
  check(): void {
    if (this.memory.isClosed || this.words[this.#root + SEED] !== this.#seed) throw this.#closedError()
  }

  #closedError(): ClosedError {
    return new ClosedError(this.memory.isClosed ? 'its memory was closed' : 'it was disposed of')
  }

  /**
   * Takes the lock, and repairs what somebody has left who died inside. Blocks for the steps of others.
   *
   * @throws ClosedError `ERR_CLOSED`: as {@link Store.check}; CorruptError `ERR_CORRUPT`: it cannot be repaired; in both cases
   * the lock is free again
   */
  enter(): void {
    this.check()
    this.#lock.lock()
    try {
      this.check()
      if (this.sequence() & 1) {
        this.rebuild()
        this.end()
      }
    } catch (error) {
      this.leave()
      throw error
    }
  }

  /** Gives the lock back. @throws ClosedError `ERR_CLOSED`: the memory was taken away meanwhile; nothing was read or changed */
  leave(): void {
    this.#lock.unlock()
    if (this.memory.isClosed) throw this.#closedError()
  }

  /** From here on readers look again, and whoever finds this thread dead repairs. */
  begin(): void {
    // One that reads as well as writes: no later store may pass it.
    Atomics.add(this.words, this.#root + SEQUENCE, 1)
  }

  end(): void {
    Atomics.add(this.words, this.#root + SEQUENCE, 1)
  }

  /**
   * Instead of `begin` and `end`, for a change of one store whose words nobody reads before that store. Comes before all of
   * them, so that a read that is still at the words as they were before learns of it.
   */
  announce(): void {
    Atomics.add(this.words, this.#root + SEQUENCE, 2)
  }

  /** The sequence before a read without the lock; odd: do not begin. */
  sequence(): number {
    return Atomics.load(this.words, this.#root + SEQUENCE)
  }

  /** Whether nobody has begun to write since `sequence` was `seen`. @throws ClosedError `ERR_CLOSED`: there was nothing to read */
  isUnchanged(seen: number): boolean {
    const index = this.#root + SEQUENCE
    const now = loadsStayInOrder ? Atomics.load(this.words, index) : Atomics.add(this.words, index, 0)
    // Of a memory that was taken away the sequence reads as 0, too.
    if (seen === 0) this.check()
    return now === seen
  }

  /** The lock holder has found nonsense: the next to enter makes everything volatile anew. */
  fail(message: string): never {
    if (!(this.sequence() & 1)) this.begin()
    throw corrupt(message)
  }

  /**
   * A block with room for `words` words behind its head, as USED. Between `begin` and `end`; nothing that counts has changed.
   * What is in it is what its last user left.
   *
   * @param mayGrow - takes more from the memory if there is no room in what the store has
   * @returns its index; 0: there is no room for it
   */
  allocate(words: number, mayGrow = true): number {
    const granules = Math.ceil((words + 2) / granuleWords)
    let block = this.#bins.take(granules)
    if (block === 0) {
      if (!mayGrow) return 0
      const added = this.#chunks.add(granules)
      if (added === 0) return 0
      this.#bins.add(added, this.#chunks.sizeAt(added))
      block = this.#bins.take(granules)
    }
    const size = sizeOf(this.words[block + HEAD] as number)
    const left = size - granules
    if (left === 0) {
      Atomics.store(this.words, block + HEAD, headOf(granules, USED))
      return block
    }
    const rest = block + granules * granuleWords
    this.words[rest + BEFORE] = granules
    this.words[rest + HEAD] = headOf(left, FREE)
    this.words[this.#behind(block, size) + BEFORE] = left
    Atomics.store(this.words, block + HEAD, headOf(granules, USED))
    this.#bins.add(rest, left)
    return block
  }

  /** Gives a block back that does not count (any more): USED or VOLATILE. Between `begin` and `end`. */
  free(block: number): void {
    const words = this.words
    let size = this.sizeAt(block)
    let first = block
    const behind = this.#behind(block, size)
    const headBehind = words[behind + HEAD] as number
    if (isFree(headBehind)) {
      const sizeBehind = this.sizeAt(behind)
      this.#bins.remove(behind)
      size += sizeBehind
    }
    const before = words[block + BEFORE] as number
    if (before !== 0) {
      const front = block - before * granuleWords
      if (this.sizeAt(front) !== before) throw corrupt(`the block at ${front} does not end at ${block}`)
      if (isFree(words[front + HEAD] as number)) {
        this.#bins.remove(front)
        first = front
        size += before
      }
    }
    Atomics.store(words, first + HEAD, headOf(size, FREE))
    words[this.#behind(first, size) + BEFORE] = size
    this.#bins.add(first, size)
  }

  /** Makes a block count, or cease to: one store. */
  setState(block: number, state: number): void {
    Atomics.store(this.words, block + HEAD, headOf(this.sizeAt(block), state))
  }

  stateAt(block: number): number {
    return stateOf(this.words[block + HEAD] as number)
  }

  /** In granules. @throws CorruptError `ERR_CORRUPT`: there is no block */
  sizeAt(block: number): number {
    return this.#chunks.sizeAt(block)
  }

  /** Under the lock: calls `visit` for each block that is not free, chunk by chunk, until it returns false. */
  visit(visit: (block: number, state: number) => boolean): void {
    for (let slot = 0; slot < mostChunks; slot++) {
      let block = this.#chunks.firstOf(slot)
      if (block === 0) continue
      const end = this.#chunks.endAround(block)
      while (block < end) {
        const size = this.sizeAt(block)
        const state = this.stateAt(block)
        if (state !== FREE && !visit(block, state)) return
        block += size * granuleWords
      }
    }
  }

  /**
   * Makes everything volatile anew from the blocks that count. Between `begin` and `end`; may be cut off anywhere, and called
   * again.
   *
   * @throws CorruptError `ERR_CORRUPT`: the blocks are damaged
   */
  rebuild(): void {
    this.#chunks.check()
    this.#bins.empty()
    for (let slot = 0; slot < mostChunks; slot++) {
      const first = this.#chunks.firstOf(slot)
      if (first !== 0) this.#sweep(first)
    }
    this.#structure.relink()
  }

  /** Frees what does not count in one chunk, and puts what is free into its bins. */
  #sweep(first: number): void {
    const words = this.words
    const end = this.#chunks.endAround(first)
    let before = 0
    let unused = 0
    let block = first
    const endUnused = (): void => {
      if (unused === 0) return
      const size = (block - unused) / granuleWords
      Atomics.store(words, unused + HEAD, headOf(size, FREE))
      words[unused + BEFORE] = before
      this.#bins.add(unused, size)
      before = size
      unused = 0
    }
    while (block < end) {
      const size = this.sizeAt(block)
      const state = this.stateAt(block)
      const mayCount = state === LIVE || state === CLAIM
      if (!mayCount && state !== FREE && state !== USED && state !== VOLATILE)
        throw corrupt(`the block at ${block} is in the unknown state ${state}`)
      if (mayCount && this.#structure.keeps(block, state)) {
        endUnused()
        words[block + BEFORE] = before
        before = size
      } else if (unused === 0) unused = block
      block += size * granuleWords
    }
    endUnused()
    if (words[end + HEAD] !== headOf(1, END)) throw corrupt(`the chunk does not end at ${end}`)
    words[end + BEFORE] = before
  }

  /**
   * Under the lock: gives everything back, and the structure's object itself, of which the lock is a part. From now on each
   * use throws, here and in every other thread. Who dies on the way leaves the structure empty, and somebody else can do it.
   *
   * @param object - the index of its first word, the tag
   * @returns whether the object is gone, and the lock with it; false: its memory takes nothing back, and the lock is held
   */
  dispose(object: number): boolean {
    // Odd to the end, also when it was already: whoever finds this thread dead repairs.
    if (!(this.sequence() & 1)) this.begin()
    this.#chunks.freeAll()
    if (this.memory.free) return this.memory.free(object, () => this.words[this.#root + SEED] === this.#seed)
    Atomics.store(this.words, this.#root + SEED, 0)
    Atomics.store(this.words, object, 0)
    return false
  }

  #behind(block: number, granules: number): number {
    return block + granules * granuleWords
  }
}
