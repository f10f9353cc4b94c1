import { ClosedError } from '../errors.js'
import type { Memory } from './memory.js'

/**
 * What a closed memory means, for every object in it.
 *
 * Every method throws `ERR_CLOSED`, also the `try` forms and what waits already: that ends within a slice of time. Only two
 * things go on as ever. A guard's `release()`, and so `using`, does nothing but take the guard out of this thread's count: for
 * the other participants this thread has ended while it held the lock. And `toHandle()`.
 *
 * A memory is closed for this thread in one of two ways. The thread itself has left, and the words are those of the others
 * still. Or another thread of the process has taken the memory away: the words read as zeros from some instant on. So a thread
 * looks here before it changes a word, which is exact for the first way, and again after it has read what its answer comes
 * from, which is exact for the second: `isClosed` is true before the first word reads as zero.
 *
 * @throws ClosedError `ERR_CLOSED`: the memory was closed
 */
export function throwIfClosed(memory: Memory): void {
  if (memory.isClosed) throw new ClosedError('the memory of this object was closed')
}
