import { ThreadMemory } from '../memory/thread-memory.js'
import type { Place } from '../shared-object.js'
import { MutexCore, type MutexCoreOptions } from './mutex-core.js'

/** A mutex in a memory that can be closed. A class of its own, since a look at each lock would cost the others 3 to 5 %. */
class ClosableMutexCore extends MutexCore {
  override takeIfFree(): boolean {
    return !this.memory.isClosed && super.takeIfFree() && !this.memory.isClosed
  }

  override release(): void {
    if (!this.memory.isClosed) super.release()
  }
}

/** The core of the mutex with these words. */
export function openMutexCore(place: Place, what: string, options: MutexCoreOptions): MutexCore {
  return place.memory instanceof ThreadMemory
    ? new MutexCore(place, what, options)
    : new ClosableMutexCore(place, what, options)
}
