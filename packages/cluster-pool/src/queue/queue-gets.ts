import { fromBytes } from '@heddle/codec'
import type { WaitLimits } from '@heddle/pool-core/building-blocks'
import { LockStateError, QueueEmptyError } from '../errors.js'
import { ClaimBook } from './claim-book.js'
import { ClusterDelivery } from './cluster-delivery.js'
import { type Get, GetLine } from './get-line.js'
import { HeldClaims } from './held-claims.js'
import type { Mailbox } from './mailbox.js'
import type { QueueLimits } from './queue-options.js'
import type { ClaimedItem, QueueStore } from './queue-store.js'
import { Waiter } from './waiter.js'

/**
 * How items are taken by one object: for good, or as deliveries.
 *
 * Invariant: what is taken for good is claimed first and acknowledged then, before anybody sees it: a lost answer loses nothing.
 */
export class QueueGets<T> {
  readonly #store: QueueStore
  readonly #lease: number
  readonly #line: GetLine
  readonly #book: ClaimBook
  readonly #claims: HeldClaims

  constructor(store: QueueStore, mailbox: Mailbox, tag: string, limits: QueueLimits) {
    this.#store = store
    this.#lease = limits.lease
    this.#line = new GetLine(store, mailbox, tag, limits)
    this.#book = new ClaimBook(store)
    this.#claims = new HeldClaims(store, limits.lease)
  }

  take(most: number, limits: WaitLimits): Promise<T[]> {
    const get: Get & { readonly waiter: Waiter<T[]> } = {
      most,
      waiter: this.#waiter<T[]>(limits, () => get),
      take: (items) => void this.#takeForGood(get, items),
    }
    this.#line.add(get)
    return get.waiter.promise
  }

  receive(limits: WaitLimits): Promise<ClusterDelivery<T>> {
    const get: Get & { readonly waiter: Waiter<ClusterDelivery<T>> } = {
      most: 1,
      waiter: this.#waiter<ClusterDelivery<T>>(limits, () => get),
      take: ([item], since) => this.#deliver(get, item as ClaimedItem, since),
    }
    this.#line.add(get)
    return get.waiter.promise
  }

  #waiter<Result>(limits: WaitLimits, getOf: () => Get): Waiter<Result> {
    return new Waiter<Result>(
      limits,
      () => this.#line.delete(getOf()),
      () => new QueueEmptyError('the queue had no item in time'),
    )
  }

  async #takeForGood(get: Get & { readonly waiter: Waiter<T[]> }, items: readonly ClaimedItem[]): Promise<void> {
    const { waiter } = get
    waiter.hold()
    try {
      const values = this.#read(items)
      const taken = await Promise.all(items.map((item) => this.#acknowledge(item)))
      const own = values.filter((_, place) => taken[place])
      if (own.length > 0) waiter.resolve(own)
      else this.#line.addFirst(get)
      waiter.letGo()
    } catch (error) {
      waiter.reject(error)
    }
  }

  /** Resolves with false when the lease has ended on the way. */
  async #acknowledge(item: ClaimedItem): Promise<boolean> {
    try {
      await this.#book.acknowledge(item)
      return true
    } catch (error) {
      if (error instanceof LockStateError) return false
      throw error
    }
  }

  #deliver(get: Get & { readonly waiter: Waiter<ClusterDelivery<T>> }, item: ClaimedItem, since: number): void {
    const ends = since + this.#lease
    if (performance.now() >= ends) {
      // The answer came so late that it may be another one's already.
      this.#line.giveBack([item])
      this.#line.addFirst(get)
      return
    }
    try {
      const [value] = this.#read([item])
      const parts = { store: this.#store, book: this.#book, claims: this.#claims, ends }
      get.waiter.resolve(new ClusterDelivery(value as T, item, parts))
    } catch (error) {
      get.waiter.reject(error)
    }
  }

  /** @throws TypeError `ERR_INVALID_ARG`, `ERR_BAD_HANDLE`: one cannot be read here; they stay in the queue, as put back */
  #read(items: readonly ClaimedItem[]): T[] {
    try {
      return items.map(({ body }) => fromBytes(body) as T)
    } catch (error) {
      this.#store.giveBack(items, { isDelivered: true }).catch(() => undefined)
      throw error
    }
  }
}
