import type { AcquireOptions, AcquireSyncOptions, Memory } from '@heddle/sync-primitives'
import {
  deadlineOf,
  isAbort,
  type Lane,
  laneOf,
  runBlocking,
  signalOf,
  throwIfClosed,
} from '@heddle/sync-primitives/building-blocks'
import { LockStateError, TimeoutError } from './errors.js'
import type { QueueStore } from './queue-store.js'
import { DONE } from './ring/layout.js'
import { ALL_DONE, countUnfinished, finish, TOO_MANY } from './ring/records.js'
import { signalEverybody, waitUntil } from './ring/signal.js'

/** What was taken and is done, and those who wait until all is. */
export class QueueJoins {
  readonly #store: QueueStore
  readonly #memory: Memory
  readonly #done: number
  readonly #lane: Lane<true | undefined>

  constructor(store: QueueStore) {
    this.#store = store
    this.#memory = store.memory
    this.#done = store.index + DONE
    this.#lane = laneOf(this.#memory, this.#done)
  }

  taskDone(items: number): void {
    throwIfClosed(this.#memory)
    const state = finish(this.#store, this.#memory, items)
    throwIfClosed(this.#memory)
    if (state === TOO_MANY)
      throw new LockStateError(
        'ERR_OVER_RELEASE',
        `${items} more items cannot be done: fewer were taken and are not done`,
      )
    if (state === ALL_DONE) signalEverybody(this.#memory, this.#done)
  }

  async join(options: AcquireOptions | undefined): Promise<void> {
    const deadline = deadlineOf(options)
    const abort = signalOf(options)
    if (abort?.aborted) throw abort.reason
    if (this.#areAllDone()) return
    if (deadline <= performance.now()) throw notDone()
    const { result, ending } = await this.#lane.run(() => this.#untilDone(), undefined, deadline, abort)
    if (result) return
    if (isAbort(ending)) throw ending.reason
    throw notDone()
  }

  joinSync(options: AcquireSyncOptions | undefined): void {
    const deadline = deadlineOf(options)
    if (!this.#areAllDone() && !runBlocking(this.#memory, this.#untilDone(), deadline)) throw notDone()
  }

  /** All that wait, in all threads and in this one: the queue has ended. */
  wakeEverybody(): void {
    signalEverybody(this.#memory, this.#done)
    this.#lane.lookAgain()
  }

  #untilDone() {
    return waitUntil(this.#memory, this.#done, this.#areAllDone, everybodyMore)
  }

  readonly #areAllDone = (): true | undefined => {
    throwIfClosed(this.#memory)
    const left = countUnfinished(this.#store, this.#memory)
    throwIfClosed(this.#memory)
    return left === 0 ? true : undefined
  }
}

/** Whoever finds all done tells the next, who will find the same. */
const everybodyMore = () => true
const notDone = () => new TimeoutError('the items were not all done in time')
