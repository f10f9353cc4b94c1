import { mostPermits } from './algorithms/permit-line.js'
import { outOfRange } from './errors.js'
import { SemaphoreCore } from './locks/semaphore-core.js'
import type { Memory } from './memory/memory.js'
import {
  type AcquireOptions,
  type AcquireSyncOptions,
  deadlineOf,
  objectOption,
  signalOf,
  wholeNumber,
} from './options.js'
import { overRelease, type SemaphoreGuard, SemaphoreGuardOf } from './semaphore-guard.js'
import { ObjectKind, Place, type SharedObjectHandle } from './shared-object.js'

const kind = new ObjectKind({
  name: 'sync-primitives/Semaphore',
  version: 2,
  tag: 0x53656d61, // "Sema"
  fromHandle: (handle) => Semaphore.fromHandle(handle),
})

export interface SemaphoreOptions {
  /** The most permits that may be free at a time; releasing more is an error. Default: 1,073,741,823. */
  readonly maxPermits?: number | undefined
  /** Where its words are. Default: this thread's own memory. */
  readonly memory?: Memory | undefined
}

/** How many permits a call is about; default: 1. The same as to give the number first. */
export interface PermitOption {
  readonly permits?: number | undefined
}

export interface SemaphoreState {
  /** Free permits. What a dead thread holds counts as free when its death was noticed. */
  readonly free: number
  /** The most that may be free. */
  readonly maxPermits: number
  /** Whether somebody may be waiting, in any thread. */
  readonly contended: boolean
  /** How many tasks of this thread wait. */
  readonly waitingHere: number
}

/**
 * A number of permits that threads share. Whoever acquires takes one or more of them, all at once, or waits.
 *
 * Fairness: first come, first served, in all threads together: a big request is not passed by small ones. Tasks of one thread
 * wait in line within their thread, and one of them at a time in the common line. Only a thread that blocks passes its own
 * tasks, which cannot go on before it does. Memory: what was written before a release is visible after the acquisition that
 * it lets through.
 *
 * Death: the permits of a thread that ends come back when somebody needs them. Those that were disowned do not.
 *
 * Closed: when its memory is closed, as a segment can be, every method throws ClosedError `ERR_CLOSED`, and so does every call
 * that waits; a guard's `release()` does nothing then.
 */
export class Semaphore {
  readonly #core: SemaphoreCore

  /**
   * Makes a new semaphore with `permits` free permits. Does not block. It takes some kilobytes, for a record of each thread.
   *
   * @param permits - whole number, 0 to `maxPermits`; 0 means that somebody must release first; default 1
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad numbers, or no room in `memory`
   */
  constructor(permits?: number, options?: SemaphoreOptions)
  /** @internal */
  constructor(place: Place)
  constructor(permits: number | Place = 1, options?: SemaphoreOptions) {
    let place: Place
    if (permits instanceof Place) place = permits
    else {
      const { maxPermits = mostPermits, memory } = objectOption(options)
      const bound = wholeNumber('maxPermits', maxPermits, 1, mostPermits)
      const free = wholeNumber('permits', permits, 0, bound)
      place = SemaphoreCore.allocate(kind, free, bound, memory)
    }
    this.#core = new SemaphoreCore(place)
  }

  /**
   * Takes permits, without blocking the thread, when they are free and nobody came earlier. A pending call keeps the process
   * alive.
   *
   * @param options.permits - how many, 1 to `maxPermits`; default 1; it may also stand in front of the options
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @throws TimeoutError `ERR_TIMEOUT`: not free in time; nothing was acquired
   * @throws the reason of `options.signal` as given, when it aborts; nothing was acquired
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, or more permits than there can ever be
   *   free; nothing was acquired
   */
  acquire(options?: AcquireOptions & PermitOption): Promise<SemaphoreGuard>
  acquire(permits: number, options?: AcquireOptions): Promise<SemaphoreGuard>
  acquire(first?: number | (AcquireOptions & PermitOption), second?: AcquireOptions): Promise<SemaphoreGuard> {
    // Without an async function, which costs as much as the permit itself.
    if (first === undefined && second === undefined && this.#core.waitingHere === 0 && this.#core.takeIfFree(1))
      return Promise.resolve(new SemaphoreGuardOf(this.#core, 1))
    return this.#acquireSlowly(first, second)
  }

  async #acquireSlowly(
    first: number | (AcquireOptions & PermitOption) | undefined,
    second: AcquireOptions | undefined,
  ): Promise<SemaphoreGuard> {
    const { permits, options } = this.#arguments(first, second)
    const deadline = deadlineOf(options)
    const signal = signalOf(options)
    if (signal?.aborted) throw signal.reason
    await this.#core.take(permits, deadline, signal)
    return new SemaphoreGuardOf(this.#core, permits)
  }

  /**
   * Takes permits, and blocks this thread and its event loop until they are free and nobody came earlier. On a main thread
   * prefer {@link Semaphore.acquire}. A thread that waits here for permits of its own waits for ever.
   *
   * @param options.permits - how many, 1 to `maxPermits`; default 1; it may also stand in front of the options
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @throws TimeoutError `ERR_TIMEOUT`: not free in time; nothing was acquired
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad options, or more permits than there can ever be
   *   free; nothing was acquired
   */
  acquireSync(options?: AcquireSyncOptions & PermitOption): SemaphoreGuard
  acquireSync(permits: number, options?: AcquireSyncOptions): SemaphoreGuard
  acquireSync(first?: number | (AcquireSyncOptions & PermitOption), second?: AcquireSyncOptions): SemaphoreGuard {
    if (first === undefined && second === undefined && this.#core.takeIfFree(1))
      return new SemaphoreGuardOf(this.#core, 1)
    const { permits, options } = this.#arguments(first, second)
    if (!this.#core.takeSync(permits, deadlineOf(options))) throw this.#core.timedOut()
    return new SemaphoreGuardOf(this.#core, permits)
  }

  /**
   * Takes permits if that needs no waiting: they are free, and nobody waits for some, in any thread. Does not block.
   *
   * @param permits - how many, 1 to `maxPermits`; default 1
   * @returns the guard, or undefined; nothing was acquired then
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad number; nothing was acquired
   */
  tryAcquire(permits = 1): SemaphoreGuard | undefined {
    this.#check(permits)
    return this.#core.tryTake(permits) ? new SemaphoreGuardOf(this.#core, permits) : undefined
  }

  /**
   * Adds permits that no guard stands for, and wakes those who wait. Does not block.
   *
   * @param permits - whole number, 1 or more
   * @throws LockStateError `ERR_OVER_RELEASE`: more would be free than `maxPermits`; state unchanged
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad number; state unchanged
   */
  release(permits = 1): void {
    wholeNumber('permits', permits, 1, mostPermits)
    if (!this.#core.add(permits)) throw overRelease(permits, this.#core.bound)
  }

  /**
   * Runs `fn` while holding a permit, or `options.permits` of them, and gives them back when what `fn` returned has settled.
   * Errors of `fn` pass unchanged. Waits and fails as {@link Semaphore.acquire} does; `fn` is not called then.
   */
  async runExclusive<Result>(
    fn: (guard: SemaphoreGuard) => Result | PromiseLike<Result>,
    options?: AcquireOptions & PermitOption,
  ): Promise<Result> {
    const guard = await this.acquire(options)
    let result: Result
    try {
      result = await fn(guard)
    } catch (error) {
      releaseQuietly(guard)
      throw error
    }
    guard.release()
    return result
  }

  /**
   * Runs `fn` while holding a permit, or `options.permits` of them, and gives them back when `fn` returns or throws. Errors of
   * `fn` pass unchanged. Blocks and fails as {@link Semaphore.acquireSync} does; `fn` is not called then.
   */
  runExclusiveSync<Result>(fn: (guard: SemaphoreGuard) => Result, options?: AcquireSyncOptions & PermitOption): Result {
    const guard = this.acquireSync(options)
    let result: Result
    try {
      result = fn(guard)
    } catch (error) {
      releaseQuietly(guard)
      throw error
    }
    guard.release()
    return result
  }

  /** The number of free permits: a snapshot, it may be stale when you read it. */
  get availablePermits(): number {
    return this.#core.free
  }

  /** Free permits, and whether somebody waits: a snapshot, it may be stale when you read it. Does not block. */
  getState(): SemaphoreState {
    const { free, bound, contended, waitingHere } = this.#core
    return { free, maxPermits: bound, contended, waitingHere }
  }

  /** Plain data that `postMessage` and `workerData` carry to another thread of this process. */
  toHandle(): SharedObjectHandle {
    return kind.handleOf(this.#core.place)
  }

  /**
   * Opens the semaphore that a handle names, in this thread. Does not block.
   *
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a semaphore, or it did not come from a thread of this process
   * @throws RangeError `ERR_TOO_MANY_PARTICIPANTS`: as many threads use its memory already as that has room for
   */
  static fromHandle(handle: SharedObjectHandle): Semaphore {
    return new Semaphore(kind.open(handle))
  }

  #arguments<Options extends object>(
    first: number | (Options & PermitOption) | undefined,
    second: Options | undefined,
  ): { permits: number; options: Options | undefined } {
    const inOptions = typeof first === 'object' && second === undefined
    const given = inOptions ? first?.permits : first
    const permits = given === undefined ? 1 : given
    this.#check(permits as number)
    return { permits: permits as number, options: inOptions ? first : second }
  }

  #check(permits: number): void {
    wholeNumber('permits', permits, 1, mostPermits)
    if (permits > this.#core.bound)
      throw outOfRange(`there are never more than ${this.#core.bound} permits free: ${permits} can never be acquired`)
  }
}

/** The error of what was run tells more than that somebody else has given back too much. */
function releaseQuietly(guard: SemaphoreGuard): void {
  try {
    guard.release()
  } catch {
    guard.detach()
  }
}
