import type { Memory } from '../memory/memory.js'
import { booleanOption, functionOption, objectOption } from '../options.js'

/** How a mutex is made. */
export interface MutexOptions<Guard> {
  /** Threads get it in the order in which they asked, instead of whoever is quickest. It costs some times as much. */
  readonly fair?: boolean | undefined
  /** Where its words are. Default: this thread's own memory. */
  readonly memory?: Memory | undefined
  /** See {@link MutexOpenOptions.onOwnerDied}. */
  readonly onOwnerDied?: ((guard: Guard) => unknown) | undefined
  /** See {@link MutexOpenOptions.detectDeadlocks}. */
  readonly detectDeadlocks?: boolean | undefined
}

/** What concerns one thread's view of a mutex. */
export interface MutexOpenOptions<Guard> {
  /**
   * Repairs what an owner that died has left, before anybody sees the guard; the mutex is marked consistent when it returns,
   * or its promise is fulfilled. What it throws comes out of the acquisition, and the mutex is then not recoverable.
   * `Sync` and `try` forms need one that returns no promise.
   */
  readonly onOwnerDied?: ((guard: Guard) => unknown) | undefined
  /**
   * An `acquireSync` without a time limit that would close a circle of threads, each of which blocks for a mutex that the next
   * one holds, throws `ERR_DEADLOCK` instead. All mutexes of the circle need this option and the same memory.
   */
  readonly detectDeadlocks?: boolean | undefined
}

/** Checks the options of a mutex. @throws TypeError `ERR_INVALID_ARG` */
export function mutexOptions<Guard>(options: MutexOptions<Guard> | undefined) {
  const { fair, memory, onOwnerDied, detectDeadlocks } = objectOption(options)
  return {
    fair: booleanOption('fair', fair),
    memory,
    onOwnerDied: functionOption('onOwnerDied', onOwnerDied),
    detectDeadlocks: booleanOption('detectDeadlocks', detectDeadlocks),
  }
}
