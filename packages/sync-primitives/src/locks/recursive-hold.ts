import type { Outcome } from '../algorithms/mutex.js'
import type { Memory } from '../memory/memory.js'
import type { Place } from '../shared-object.js'
import { guards } from './held-guards.js'
import type { MutexCore } from './mutex-core.js'

/** What this thread holds, by memory and index of the mutex: however many objects it has opened on one, it holds it once. */
const held = new WeakMap<Memory, Map<number, Hold>>()

/**
 * One holding of the lock, by as many guards as its depth.
 *
 * Invariant: while it is 'held', this thread holds the lock and finds this in `held`. It is 'gone' when its depth is 0, or when
 * it was given up as a whole.
 * Invariant: while it is 'held', as many guards of it count as held as its depth says; otherwise none does.
 */
export class Hold {
  readonly core: MutexCore
  depth = 0
  state: 'held' | 'waiting' | 'gone' = 'held'
  ownerDied: boolean

  constructor(core: MutexCore, ownerDied: boolean) {
    this.core = core
    this.ownerDied = ownerDied
    this.#register()
  }

  #register(): void {
    const { memory, index } = this.core.place
    let ofMemory = held.get(memory)
    if (!ofMemory) {
      ofMemory = new Map()
      held.set(memory, ofMemory)
    }
    ofMemory.set(index, this)
  }

  release(next: 'waiting' | 'gone'): void {
    this.core.release()
    guards.held -= this.depth
    this.state = next
    held.get(this.core.memory)?.delete(this.core.place.index)
  }

  resume(outcome: Outcome): void {
    this.ownerDied ||= outcome === 'owner died'
    this.state = 'held'
    this.#register()
    guards.held += this.depth
    if (this.depth === 0) this.release('gone')
  }

  static of({ memory, index }: Place): Hold | undefined {
    return held.get(memory)?.get(index)
  }
}
