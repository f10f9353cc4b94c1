/**
 * The seam between an algorithm and the memory that it runs in. A primitive knows nothing else of its memory, so that the
 * same lines serve every kind of memory that implements this interface.
 */
export interface Memory {
  /** The shared words. A fixed-length view: a length-tracking one costs 18 to 36 times as much. */
  readonly words: Int32Array
  /** This thread's number in this memory: a slot of the participants table and a generation, see `participants.ts`. */
  readonly participant: number
  /** The highest slot there can be. Objects with a record for each thread have one for each slot from 1 to this. */
  readonly slots: number
  /** The index of the word that holds the highest slot that was ever taken: nobody above it needs to be looked at. */
  readonly highestSlotIndex: number
  /** Four words that tell this memory from every other. */
  readonly identity: Int32Array
  /**
   * Takes `count` zeroed words, on cache lines of their own; -1 if there is no room. Where the memory has `free`, they are
   * taken back when this thread ends before it has made the first of them other than 0.
   */
  allocate(count: number): number
  /**
   * Gives back what begins at `index`, where words can be given back. Its first line reads as zeros from then on, until
   * somebody else has it.
   *
   * @param isStill - whether that is what the caller takes it for; asked when nobody else can free it. Default: it is
   * @returns false: nothing begins there, or it is something else
   */
  free?(index: number, isStill?: () => boolean): boolean
  /** Whether `index` is the first word of something that was allocated, and has not been freed since `handle` was made. */
  isAllocated(index: unknown, handle?: MemoryHandle): index is number
  /** Blocks this thread while `words[index] === expected`, at most `timeout` milliseconds; may return early. */
  wait(index: number, expected: number, timeout: number): void
  /** The same without blocking, and without a limit; undefined: there is nothing to wait for. Need not keep the process alive. */
  waitAsync(index: number, expected: number): Promise<unknown> | undefined
  /** Wakes up to `count` threads that wait on `words[index]`. */
  notify(index: number, count: number): void
  /**
   * Whether the thread that had this participant number has ended. Unknown is never ended. Does not block.
   *
   * @param fresh - asks the system in any case, and not only when the last answer is some milliseconds old
   */
  isDead(participant: number, fresh?: boolean): boolean
  /** Says what this thread blocks for without a time limit: the index of a mutex's owner word; 0 for nothing. */
  setAwaited(ownerIndex: number): void
  /** What the thread with this participant number blocks for. */
  awaitedBy(participant: number): number
  /** `worker_threads.threadId` of that participant, 0 on a main thread; undefined when its slot has another thread by now. */
  threadIdOf(participant: number): number | undefined
  /**
   * Plain data by which another thread finds this memory; `memory` names its kind.
   *
   * @param index - of an object in it, where the memory can tell it from a later one in the same place
   */
  toHandle(index?: number): MemoryHandle
  /**
   * Whether this process, or this thread, has let go of the memory: its words mean nothing any more. It is true before the
   * first of them reads as zero. For ever false where that cannot be.
   */
  readonly isClosed: boolean
}

export interface MemoryHandle {
  readonly memory: string
  readonly [field: string]: unknown
}

/** Finds the memory of a handle. */
export type MemoryOpener = (handle: MemoryHandle) => Memory

/** By kind of memory. Packages that bring one enter it at import, as `heddle.kinds` does for objects. */
const openers: Map<string, MemoryOpener> = (() => {
  const key = Symbol.for('heddle.memories')
  const globals = globalThis as unknown as Record<symbol, Map<string, MemoryOpener> | undefined>
  globals[key] ??= new Map()
  return globals[key]
})()

export function registerMemory(kind: string, open: MemoryOpener): void {
  openers.set(kind, open)
}

export function memoryOpenerOf(kind: unknown): MemoryOpener | undefined {
  return openers.get(kind as string)
}
