import { QueueFullError, TimeoutError } from '../errors.js'
import type { Clock } from '../platform/clock.js'
import { Settler } from '../settler.js'
import { Deadline, type Timed } from '../waiting/deadline.js'
import type { Attempt } from './attempt.js'
import type { BatchCause } from './batch-options.js'
import { type GivingUp, ItemLimits } from './item-limits.js'
import { Outcome, takerOf } from './outcome.js'

/** Whose batches they are. */
export interface BatchOwner<T> {
  readonly clock: Clock
  /** Whether the promises of what failed shall be no unhandled rejections. */
  readonly reportsFailures: boolean
  /** The time that the batch was given is over. */
  onDeadline(batch: Batch<T>): void
  /** An item was taken out of a batch that has not begun. */
  onItemGone(batch: Batch<T>): void
}

/** An item that could not be processed though its batch was. */
export interface Failure<T> {
  readonly item: T
  readonly error: Error
}

const gone = Symbol('gone')
const fewGone = 16
const ignore = (): void => undefined

/**
 * The items that are processed together, and who waits for them.
 *
 * A batch collects, is cut, begins (and then is at work, with all its attempts), and has settled; always in this order. Each
 * item has a number, by which its caller finds its result: how many were pushed before.
 *
 * Invariant: `size` is the number of items that are not `gone`; an item can go only before the batch begins.
 * Invariant: #numbers are the numbers of #items; missing while each number is the place.
 * Invariant: #limits are in the order of their items, and `index` is the place of theirs, until the batch begins.
 * Invariant: once it has settled, it has no timer and no item, and nobody waits.
 */
export class Batch<T> implements Timed, GivingUp {
  /** One more than that of the batch before. */
  readonly sequence: number
  next: Batch<T> | undefined
  size = 0
  bytes = 0
  /** What it was cut by; undefined while it collects. */
  cause: BatchCause | undefined
  /** When its time is over, on the clock of its owner; it may get its timer a little later than its first item. */
  due = 0
  /** It still collects, though its time is over: as many are at work as may be. */
  isDue = false
  hasBegun = false
  hasSettled = false
  attempts = 0
  /** The attempt at work; undefined before the first one, and while it waits for the next one. */
  attempt: Attempt | undefined
  readonly #owner: BatchOwner<T>
  #items: (T | typeof gone)[] = []
  #numbers: number[] | undefined
  #pushed = 0
  #outcome: Settler<Outcome> | undefined
  #shared: Settler<void> | undefined
  #limits: ItemLimits[] | undefined
  /** By number, those with a promise of their own; kept only if the promises of what failed must be marked. */
  #promises: Map<number, Promise<unknown>> | undefined
  #deadline: Deadline | undefined
  /** The numbers at which the items change from those that do not share a promise to those that do, and back. */
  readonly #changes: number[] = []
  #isSharing = false

  constructor(sequence: number, owner: BatchOwner<T>) {
    this.sequence = sequence
    this.#owner = owner
  }

  /** The items, once it has begun. */
  get items(): readonly T[] {
    return this.#items as T[]
  }

  /** Appends an item. One of the three methods below must follow, which say who waits for it. */
  push(item: T, bytes: number): void {
    this.#items.push(item)
    this.#numbers?.push(this.#pushed)
    this.#pushed += 1
    this.size += 1
    this.bytes += bytes
  }

  /** A promise of what becomes of the batch, for the last item: the same for all that ask for it. */
  share(): Promise<void> {
    if (!this.#isSharing) this.#change()
    this.#shared ??= new Settler<void>()
    return this.#shared.promise
  }

  /** A promise of what becomes of the last item. */
  own(): Promise<unknown> {
    if (this.#isSharing) this.#change()
    this.#outcome ??= new Settler<Outcome>()
    const promise = this.#outcome.promise.then(takerOf(this.#pushed - 1))
    if (this.#owner.reportsFailures) this.#keep(promise)
    return promise
  }

  /** As {@link Batch.own}, with limits; `givesResult` says whether the promise gives the result or nothing. */
  ownWithin(bytes: number, timeout: number, signal: AbortSignal | undefined, givesResult: boolean): Promise<unknown> {
    if (this.#isSharing) this.#change()
    const settler = new Settler<unknown>()
    const place = { index: this.#items.length - 1, bytes, settler, givesResult }
    this.#limits ??= []
    this.#limits.push(new ItemLimits(this, place, timeout, signal, this.#owner.clock))
    if (this.#owner.reportsFailures) this.#keep(settler.promise)
    return settler.promise
  }

  #change(): void {
    this.#isSharing = !this.#isSharing
    this.#changes.push(this.#pushed - 1)
  }

  #isShared(number: number): boolean {
    return this.#changes.filter((change) => change <= number).length % 2 === 1
  }

  #keep(promise: Promise<unknown>): void {
    this.#promises ??= new Map()
    this.#promises.set(this.#pushed - 1, promise)
  }

  get isArmed(): boolean {
    return this.#deadline !== undefined
  }

  /** Has the owner told when so many milliseconds are over. */
  arm(ms: number): void {
    this.#deadline = new Deadline(ms, this, this.#owner.clock)
  }

  disarm(): void {
    this.#deadline?.cancel()
    this.#deadline = undefined
  }

  onDeadline(): void {
    this.#deadline = undefined
    this.#owner.onDeadline(this)
  }

  giveUp(limits: ItemLimits, reason: { readonly ofSignal: unknown } | undefined): void {
    const { index, bytes, settler } = limits
    limits.lift()
    if (reason !== undefined) settler.reject(reason.ofSignal)
    else if (this.hasBegun) settler.reject(new TimeoutError('the item was not done in time; its processing goes on'))
    else settler.reject(new QueueFullError(this.#items[index], 'the batch of the item did not begin in time'))
    if (this.hasBegun) return
    this.#promises?.delete(this.#numberAt(index))
    this.#items[index] = gone
    this.size -= 1
    this.bytes -= bytes
    // What is gone must not pile up while others come and go.
    const goneItems = this.#items.length - this.size
    if (goneItems > fewGone && goneItems > this.size) this.#compact()
    this.#owner.onItemGone(this)
  }

  /** Rejects those whose signal has aborted without that we were told; they are gone. */
  giveUpAborting(): void {
    // Giving up may put another list in the place of this one, with those of this one that are left.
    for (const limits of this.#limits ?? []) limits.giveUpIfAborting()
  }

  /** From now on the items stay, whoever gives up. */
  begin(): void {
    if (this.#items.length > this.size) this.#compact()
    this.hasBegun = true
  }

  #compact(): void {
    const items: T[] = []
    const numbers: number[] = []
    const limits: ItemLimits[] = []
    let next = 0
    for (const [index, item] of this.#items.entries()) {
      const limitsHere = this.#limits?.[next]?.index === index ? this.#limits[next++] : undefined
      if (item === gone) continue
      if (limitsHere !== undefined) {
        limitsHere.index = items.length
        limits.push(limitsHere)
      }
      items.push(item)
      numbers.push(this.#numberAt(index))
    }
    this.#items = items
    this.#numbers = numbers
    this.#limits = limits
  }

  #numberAt(index: number): number {
    return this.#numbers === undefined ? index : (this.#numbers[index] as number)
  }

  /**
   * Settles every item: with its result if there are any, which must be as many as there are items, and else with nothing.
   *
   * @returns those that failed, most often none
   */
  fulfil(results: readonly unknown[] = []): Failure<T>[] {
    const { items } = this
    const failures: Failure<T>[] = []
    let errors: Map<number, Error> | undefined
    for (let index = 0; index < results.length; index++) {
      const error = results[index]
      if (!isError(error)) continue
      errors ??= new Map()
      errors.set(this.#numberAt(index), error)
      failures.push({ item: items[index] as T, error })
    }
    this.#leave()
    for (const limits of this.#limits ?? []) limits.settle(results, errors?.get(this.#numberAt(limits.index)))
    this.#outcome?.resolve(new Outcome(this.#byNumber(results), errors))
    if (errors === undefined) this.#shared?.resolve(undefined)
    else this.#settleShared(errors)
    this.#forget()
    return failures
  }

  #settleShared(errors: ReadonlyMap<number, Error>): void {
    const shared: Error[] = []
    for (const [number, error] of errors) {
      if (this.#isShared(number)) shared.push(error)
      else this.#promises?.get(number)?.catch(ignore)
    }
    if (shared.length === 0) {
      this.#shared?.resolve(undefined)
      return
    }
    this.#shared?.reject(new AggregateError(shared, `${shared.length} items of the batch failed`))
    this.#markShared()
  }

  /** Rejects every item that is not gone. */
  reject(error: unknown): void {
    this.#leave()
    for (const limits of this.#limits ?? []) limits.refuse(error)
    this.#outcome?.reject(error)
    this.#shared?.reject(error)
    for (const promise of this.#promises?.values() ?? []) promise.catch(ignore)
    this.#markShared()
    this.#forget()
  }

  /** Results where the callers look for them. */
  #byNumber(results: readonly unknown[]): readonly unknown[] {
    if (this.#numbers === undefined) return results
    const byNumber: unknown[] = []
    for (const [index, result] of results.entries()) byNumber[this.#numberAt(index)] = result
    return byNumber
  }

  #markShared(): void {
    if (this.#owner.reportsFailures) this.#shared?.promise.catch(ignore)
  }

  #leave(): void {
    this.hasSettled = true
    this.attempt = undefined
    this.disarm()
  }

  #forget(): void {
    this.#items = []
    this.#outcome = this.#shared = this.#limits = this.#promises = this.#numbers = undefined
  }
}

/** Also of another realm: what the runtime's own modules throw is such under some test tools. */
function isError(value: unknown): value is Error {
  if (typeof value !== 'object' || value === null) return false
  try {
    return value instanceof Error || ('stack' in value && Object.prototype.toString.call(value) === '[object Error]')
  } catch {
    // A proxy that does not want to be looked at.
    return false
  }
}
