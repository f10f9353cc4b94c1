import {
  type ConditionWords,
  conditionWords,
  enqueueWaiter,
  leaveCondition,
  serve,
  waitingIn,
  waitUntilServed,
} from './algorithms/condition.js'
import type { Outcome } from './algorithms/mutex.js'
import { runAwaiting } from './drivers/awaiting.js'
import { runBlocking, runWithoutWaiting } from './drivers/blocking.js'
import { type Ending, isAbort } from './drivers/patience.js'
import { badHandle, invalidArgument, LockStateError, outOfRange } from './errors.js'
import { type ConditionHandle, openMutex } from './locks/condition-handle.js'
import type { HeldLock } from './locks/held-lock.js'
import type { MutexCore } from './locks/mutex-core.js'
import { repair, repairSync } from './locks/repair.js'
import { throwIfClosed } from './memory/closed.js'
import { ThreadMemory } from './memory/thread-memory.js'
import { Mutex, type MutexGuard } from './mutex.js'
import {
  type AcquireOptions,
  type AcquireSyncOptions,
  deadlineOf,
  mustBeFunction,
  objectOption,
  signalOf,
  wholeNumber,
} from './options.js'
import { RecursiveMutex } from './recursive-mutex.js'
import { ObjectKind, Place } from './shared-object.js'

const kind = new ObjectKind({
  name: 'sync-primitives/Condition',
  version: 1,
  tag: 0x436f6e64, // "Cond"
  fromHandle: (handle) => Condition.fromHandle(handle as ConditionHandle),
})

const mostWaiters = 2 ** 20
const defaultWaiters = 1023
/** The first words of the object: the size of its ring, and which mutex it belongs to. The algorithm's words follow. */
const SIZE = 0
const MUTEX = 1
const MEMORY = 2
const WORDS = 6

/** How a condition is made. */
export interface ConditionOptions {
  /** How many may wait at a time, in all threads together; there may be room for some more. Default: 1,023. */
  readonly maxWaiters?: number | undefined
}

// A little more than 300 lines: one class, most of which is the contract of its forms.

/**
 * A place to wait, with a mutex released meanwhile, until somebody says that something has changed.
 *
 * It belongs to one mutex, and its words are in that one's memory; if nobody said where that is, in this thread's own. Nothing
 * is remembered: a notification that finds nobody waiting is gone. Nobody is woken for no reason; still, wait in a loop that
 * looks at the data, or use {@link Condition.waitFor}: another one may have come before.
 *
 * Fairness: first come, first served, in all threads and tasks together. Memory and closing: as the mutex. Death: a waiter that
 * ends is passed over, and a notification that it got and had not acted upon goes to the next one.
 */
export class Condition {
  readonly #place: Place
  readonly #words: ConditionWords
  readonly #mutex: Mutex | RecursiveMutex
  readonly #core: MutexCore

  /**
   * Makes a new condition of `mutex`. Does not block.
   *
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad arguments, or no room in the mutex' memory
   */
  constructor(mutex: Mutex | RecursiveMutex, options?: ConditionOptions)
  /** @internal */
  constructor(mutex: Mutex | RecursiveMutex, place: Place)
  constructor(mutex: Mutex | RecursiveMutex, second?: ConditionOptions | Place) {
    if (mutex instanceof Mutex) this.#core = Mutex.coreOf(mutex)
    else if (mutex instanceof RecursiveMutex) this.#core = RecursiveMutex.coreOf(mutex)
    else throw invalidArgument('a Condition needs the Mutex or RecursiveMutex that it belongs to')
    this.#mutex = mutex
    if (second instanceof Place) this.#place = second
    else {
      const { maxWaiters = defaultWaiters } = objectOption(second)
      const size = 2 ** Math.ceil(Math.log2(wholeNumber('maxWaiters', maxWaiters, 1, mostWaiters) + 1))
      const place = this.#allocate(WORDS + conditionWords(size))
      place.store(SIZE, size)
      place.store(MUTEX, this.#core.place.index)
      place.memory.words.set(this.#core.memory.identity, place.at(MEMORY))
      this.#place = kind.publish(place)
    }
    this.#words = { index: this.#place.at(WORDS), size: this.#place.load(SIZE) }
  }

  /**
   * Releases the mutex, waits for a notification without blocking the thread, and takes the mutex again; all levels of a
   * recursive one. Whatever comes out of it, the guard holds the mutex again by then, and for that this waits without a limit.
   * A pending call keeps the process alive.
   *
   * @param guard - holds the mutex of this condition
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @returns true; false: nobody notified this call in time
   * @throws the reason of `options.signal` as given, when it aborts; a notification that this call got goes to the next one
   * @throws LockStateError `ERR_NOT_OWNER`: the guard does not hold the mutex; state unchanged
   * @throws LockStateError `ERR_NOT_RECOVERABLE`: meanwhile an owner of the mutex died and the next one did not repair; the
   *   guard holds nothing any more
   * @throws TypeError `ERR_INVALID_ARG`: bad options, or a guard of another mutex; state unchanged
   * @throws RangeError `ERR_OUT_OF_RANGE`: bad timeout, or as many wait as there is room for; state unchanged
   */
  async wait(guard: MutexGuard, options?: AcquireOptions): Promise<boolean> {
    const deadline = deadlineOf(options)
    const signal = signalOf(options)
    const lock = this.#lockOf(guard)
    if (signal?.aborted) throw signal.reason
    return this.#wait(lock, deadline, signal)
  }

  /**
   * The same as {@link Condition.wait}, and blocks this thread and its event loop.
   *
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever
   * @throws LockStateError `ERR_DEADLOCK`: only with `detectDeadlocks`, when the mutex would never come back; the guard holds
   *   nothing any more
   */
  waitSync(guard: MutexGuard, options?: AcquireSyncOptions): boolean {
    const deadline = deadlineOf(options)
    return this.#waitSync(this.#lockOf(guard), deadline)
  }

  /**
   * Waits until `predicate` says true: looks first, and again after each notification, with the mutex held. The time limit is
   * one for all. Fails as {@link Condition.wait} does; what the predicate throws comes out unchanged, with the mutex held.
   *
   * @returns what the predicate said last; false: it was not true in time
   */
  async waitFor(
    guard: MutexGuard,
    predicate: () => boolean | PromiseLike<boolean>,
    options?: AcquireOptions,
  ): Promise<boolean> {
    const deadline = deadlineOf(options)
    const signal = signalOf(options)
    const lock = this.#lockOf(guard)
    mustBeFunction('predicate', predicate)
    for (;;) {
      if (await predicate()) return true
      if (signal?.aborted) throw signal.reason
      // The predicate may have released it.
      this.#lockOf(guard)
      if (!(await this.#wait(lock, deadline, signal))) return await predicate()
    }
  }

  /** The same as {@link Condition.waitFor}, and blocks this thread and its event loop. */
  waitForSync(guard: MutexGuard, predicate: () => boolean, options?: AcquireSyncOptions): boolean {
    const deadline = deadlineOf(options)
    const lock = this.#lockOf(guard)
    mustBeFunction('predicate', predicate)
    for (;;) {
      if (predicate()) return true
      this.#lockOf(guard)
      if (!this.#waitSync(lock, deadline)) return predicate()
    }
  }

  /**
   * Lets the `count` that have waited longest go on, once the mutex is free. Does not block.
   *
   * @param guard - holds the mutex of this condition
   * @param count - whole number, 1 or more; default 1
   * @returns how many it reached
   * @throws LockStateError `ERR_NOT_OWNER`: the guard does not hold the mutex; state unchanged
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad arguments; state unchanged
   */
  notify(guard: MutexGuard, count = 1): number {
    this.#lockOf(guard)
    wholeNumber('count', count, 1, 2 ** 31 - 1)
    return runWithoutWaiting(this.#place.memory, serve(this.#words, count))
  }

  /** Lets all who wait go on, once the mutex is free. Otherwise as {@link Condition.notify}. */
  notifyAll(guard: MutexGuard): number {
    return this.notify(guard, 2 ** 31 - 1)
  }

  /** How many wait, in all threads; some may have given up or ended by now: a snapshot, it may be stale when you read it. */
  get waiting(): number {
    throwIfClosed(this.#place.memory)
    return waitingIn(this.#place.memory.words, this.#words)
  }

  /** Plain data that `postMessage` and `workerData` carry to another thread of this process; the mutex goes with it. */
  toHandle(): ConditionHandle {
    return { ...kind.handleOf(this.#place), mutex: this.#mutex.toHandle() }
  }

  /**
   * Opens the condition that a handle names, in this thread, and its mutex unless you have opened that one already. Does not
   * block.
   *
   * @param mutex - the mutex of the condition
   * @throws TypeError `ERR_BAD_HANDLE`: no handle of a condition, or it did not come from a thread of this process, or the
   *   mutex is another one; `ERR_INVALID_ARG`: the mutex is none
   * @throws RangeError `ERR_TOO_MANY_PARTICIPANTS`: as many threads use its memory already as that has room for
   */
  static fromHandle(handle: ConditionHandle, mutex?: Mutex | RecursiveMutex): Condition {
    const place = kind.open(handle)
    if (mutex !== undefined && !(mutex instanceof Mutex) && !(mutex instanceof RecursiveMutex))
      throw invalidArgument('what was given beside the handle is no Mutex or RecursiveMutex')
    const own = mutex ?? openMutex(handle.mutex)
    const core = own instanceof Mutex ? Mutex.coreOf(own) : RecursiveMutex.coreOf(own)
    const isIts = core.memory.identity.every((word, n) => word === place.load(MEMORY + n))
    if (!isIts || core.place.index !== place.load(MUTEX))
      throw badHandle('the handle is of a condition of another mutex')
    return new Condition(own, place)
  }

  /** The mutex of this condition, as this thread has opened it. */
  get mutex(): Mutex | RecursiveMutex {
    return this.#mutex
  }

  /** Beside the mutex. Where that one's memory is this thread's own and full, which nobody could know, in the next one. */
  #allocate(words: number): Place {
    const { memory } = this.#core
    if (!(memory instanceof ThreadMemory) || !memory.isArena) return kind.allocate(() => words, memory)
    return kind.allocate(() => words)
  }

  async #wait(lock: HeldLock, deadline: number, signal: AbortSignal | undefined): Promise<boolean> {
    const ticket = this.#leaveMutex(lock)
    let ending: Ending | undefined
    try {
      ending = (await runAwaiting(this.#place.memory, waitUntilServed(this.#words, ticket), deadline, signal)).ending
    } catch (reason) {
      // A signal that throws, say. The caller gets that, with the mutex held as after any other wait.
      ending = { reason }
    }
    let notified = false
    const outcome = await this.#core.take(Number.POSITIVE_INFINITY, undefined, (taken) => {
      if (taken === 'acquired' || taken === 'owner died') notified = this.#comeBack(lock, ticket, taken, ending)
    })
    if (outcome === 'not recoverable') throw this.#core.notRecoverable()
    await repair(lock, outcome, this.#core.onOwnerDied as ((guard: HeldLock) => unknown) | undefined)
    if (isAbort(ending)) throw ending.reason
    return notified
  }

  #waitSync(lock: HeldLock, deadline: number): boolean {
    const ticket = this.#leaveMutex(lock)
    const { memory } = this.#place
    let ending: Ending | undefined
    try {
      runBlocking(memory, waitUntilServed(this.#words, ticket), deadline)
    } catch (reason) {
      ending = { reason }
    }
    let outcome: Outcome
    try {
      outcome = this.#core.takeSync(Number.POSITIVE_INFINITY)
    } catch (error) {
      // The mutex would never come back. The ticket goes as that of a thread that has died.
      if (runWithoutWaiting(memory, leaveCondition(this.#words, ticket)))
        runWithoutWaiting(memory, serve(this.#words, 1))
      throw error
    }
    if (outcome === 'not recoverable') throw this.#core.notRecoverable()
    const notified = this.#comeBack(lock, ticket, outcome, ending)
    repairSync(lock, outcome, this.#core.onOwnerDied as ((guard: HeldLock) => unknown) | undefined)
    if (isAbort(ending)) throw ending.reason
    return notified
  }

  #leaveMutex(lock: HeldLock): number {
    const { memory } = this.#place
    const ticket = runWithoutWaiting(memory, enqueueWaiter(this.#words, memory.participant))
    if (ticket === undefined)
      throw outOfRange(`the condition has room for ${this.#words.size - 1} waiters, and has them: see maxWaiters`)
    lock.suspend()
    return ticket
  }

  /** With the mutex taken again. @returns whether this wait was notified; if it failed, the next one is instead */
  #comeBack(lock: HeldLock, ticket: number, outcome: Outcome, ending: Ending | undefined): boolean {
    const { memory } = this.#place
    const notified = runWithoutWaiting(memory, leaveCondition(this.#words, ticket))
    if (notified && isAbort(ending)) runWithoutWaiting(memory, serve(this.#words, 1))
    lock.resume(this.#core, outcome)
    return notified
  }

  #lockOf(guard: MutexGuard): HeldLock {
    throwIfClosed(this.#place.memory)
    const lock = Mutex.lockOf(guard) ?? RecursiveMutex.lockOf(guard)
    if (!lock) throw invalidArgument('a condition needs the guard that holds its mutex')
    if (!lock.core) throw new LockStateError('ERR_NOT_OWNER', 'the guard does not hold the mutex of the condition')
    if (!lock.core.isSameAs(this.#core)) throw invalidArgument('the guard is of another mutex than the condition')
    return lock
  }
}
