import type { Memory, MemoryHandle } from '@heddle/sync-primitives'

/** A memory that threads share and that can be closed, as a segment can. */
export declare class ClosableMemory implements Memory {
  static create(): ClosableMemory
  /** Closes it for all threads that have opened it, and leaves the words to others. */
  leave(): void
  /** Closes it for all threads that have opened it; the words read as zeros afterwards. */
  takeAway(): void
  /** Takes it away as soon as somebody has found, `looks` times from now on, that it was not closed. */
  takeAwayAfterLooks(looks: number): void
  /** From now on, whoever would have to wait gets an error instead. */
  refuseWaits(): void
  /** Whether some thread blocks, or has blocked, for a word of it. */
  readonly isWaitedFor: boolean
  readonly isClosed: boolean
  readonly words: Int32Array
  readonly participant: number
  readonly slots: number
  readonly highestSlotIndex: number
  readonly identity: Int32Array
  allocate(count: number): number
  isAllocated(index: unknown): index is number
  wait(index: number, expected: number, timeout: number): void
  waitAsync(index: number, expected: number): Promise<unknown> | undefined
  notify(index: number, count: number): void
  isDead(participant: number, fresh?: boolean): boolean
  setAwaited(ownerIndex: number): void
  awaitedBy(participant: number): number
  threadIdOf(participant: number): number | undefined
  toHandle(): MemoryHandle
}
