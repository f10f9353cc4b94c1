import { FREE, lockBriefly, ownedBy, unlock } from './algorithms/mutex.js'
import { runRelease, runWithoutWaiting } from './drivers/blocking.js'
import type { Memory } from './memory/memory.js'

/**
 * The lock of a structure in shared memory, held for some steps at a time and never while a user's code runs. It is one word,
 * zero at first, and needs no guard: whoever locks unlocks in the same turn.
 *
 * Between threads there is no order. A thread that finds the lock held blocks, also where others would await: until the
 * holder has done its steps, or its death was noticed.
 */
export class InnerLock {
  readonly #memory: Memory
  readonly #words: Int32Array
  readonly #index: number
  readonly #mine: number

  /** @param index - of the lock's word in the memory */
  constructor(memory: Memory, index: number) {
    this.#memory = memory
    this.#words = memory.words
    this.#index = index
    this.#mine = ownedBy(memory.participant)
  }

  /**
   * Takes the lock. Who may be in a closed memory looks before and after: the lock itself does not.
   *
   * @returns whether a holder has died inside, or has left by an exception: what the lock guards may be half changed then.
   * It is said once: whoever cannot repair must remember it elsewhere.
   */
  lock(): boolean {
    if (Atomics.compareExchange(this.#words, this.#index, FREE, this.#mine) === FREE) return false
    return runWithoutWaiting(this.#memory, lockBriefly(this.#index, this.#memory.participant))
  }

  /** Gives it back. Only for the thread that has it. In a closed memory it does nothing. */
  unlock(): void {
    if (Atomics.compareExchange(this.#words, this.#index, this.#mine, FREE) !== this.#mine)
      runRelease(this.#memory, unlock(this.#index), undefined)
  }
}
