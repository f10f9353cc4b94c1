import { ClosedError } from '@heddle/pool-core'
import { AskLoop } from './ask-loop.js'
import type { Mailbox } from './mailbox.js'
import type { QueueLimits } from './queue-options.js'
import { type ClaimedItem, lookMs, type QueueStore } from './queue-store.js'

/** What one request claims at most. */
const mostItems = 1_000

/** What one call wants to take. */
export interface Get {
  /** How many at most; it is content with one. */
  readonly most: number
  readonly waiter: {
    readonly isOnce: boolean
    timeOut(): void
    reject(error: unknown): void
  }
  /** It has left the line, and these are its own. `since`: before that the server cannot have counted their lease. */
  take(items: readonly ClaimedItem[], since: number): void
}

/**
 * The calls of one object that wait for items, in the order they came. One request claims for as many as there are.
 *
 * Invariant: one request is on its way at a time, and the numbers of requests grow: one that is sent again, since its answer was
 * lost, claims nothing more.
 * Invariant: while somebody waits, either a request is on its way, or the server has said after it came that there is nothing;
 * then this object is told when there is something, and looks each second, and when the next claim of anybody ends.
 * Invariant: what was claimed and is wanted by nobody here any more is given back.
 */
export class GetLine {
  readonly #store: QueueStore
  readonly #mailbox: Mailbox
  readonly #tag: string
  readonly #limits: QueueLimits
  readonly #loop: AskLoop
  #line = new Set<Get>()
  #number = 0
  /** Since the last question, which was for all in the line, there is nothing. */
  #isEmpty = false
  /** The server may have this object on its list of those who wait. */
  #isListed = false
  #stopListening: (() => void) | undefined
  #nextEnd = Number.POSITIVE_INFINITY

  /** @param tag - by which the store is told of this object */
  constructor(store: QueueStore, mailbox: Mailbox, tag: string, limits: QueueLimits) {
    this.#store = store
    this.#mailbox = mailbox
    this.#tag = tag
    this.#limits = limits
    this.#loop = new AskLoop(
      () => this.#step(),
      () => (this.#line.size > 0 ? Math.min(lookMs, Math.max(this.#nextEnd, 0) + 1) : undefined),
    )
  }

  /** There is something, or may be. */
  #look(): void {
    if (this.#line.size > 0) this.#loop.ask()
  }

  add(get: Get): void {
    this.#line.add(get)
    // Behind those for whom there is nothing there is nothing either; but one that does not wait needs an answer now.
    if (!this.#isEmpty || get.waiter.isOnce) this.#loop.ask()
  }

  /** It was the first, and what it was given was not its own any more. */
  addFirst(get: Get): void {
    this.#line = new Set([get, ...this.#line])
    this.#loop.ask()
  }

  delete(get: Get): void {
    this.#line.delete(get)
    if (this.#line.size > 0) return
    this.#loop.endPause()
    if (this.#isListed) this.#loop.ask()
  }

  async #step(): Promise<void> {
    this.#isEmpty = false
    try {
      if (this.#line.size > 0) await this.#request()
      else if (this.#isListed) await this.#leave()
    } catch (error) {
      const line = Array.from(this.#line)
      this.#line.clear()
      for (const { waiter } of line) waiter.reject(error)
    }
    this.#isEmpty = this.#line.size > 0
    if (this.#line.size > 0) return
    this.#stopListening?.()
    this.#stopListening = undefined
  }

  async #request(): Promise<void> {
    const asked = Array.from(this.#line)
    const wanted = asked.reduce((sum, { most }) => sum + most, 0)
    const most = Math.min(wanted, mostItems)
    const mayWait = this.#mailbox.isOpen && asked.some(({ waiter }) => !waiter.isOnce)
    const { lease, maxDeliveries } = this.#limits
    if (mayWait) this.#stopListening ??= this.#mailbox.listen(this.#tag, () => this.#look())
    this.#number += 1
    const since = performance.now()
    const request = { number: this.#number, most, lease, maxDeliveries, mayWait }
    const { items, isOver, nextEnd } = await this.#store.claim(request)
    this.#isListed = mayWait && !isOver && items.length < most
    this.#nextEnd = nextEnd
    this.#deal(items, since)
    if (items.length < most) this.#refuse(asked, isOver)
    if (this.#line.size === 0) return
    if (items.length === most) this.#loop.ask()
    else if (!this.#mailbox.isOpen) {
      await this.#mailbox.open()
      this.#loop.ask()
    }
  }

  /** There is nothing for those who are still in the line. */
  #refuse(asked: readonly Get[], isOver: boolean): void {
    for (const get of asked) {
      if (!this.#line.has(get)) continue
      if (isOver) {
        this.#line.delete(get)
        get.waiter.reject(new ClosedError('the queue is closed, and nothing is left in it'))
      } else if (get.waiter.isOnce) get.waiter.timeOut()
    }
  }

  #deal(items: readonly ClaimedItem[], since: number): void {
    let dealt = 0
    for (const get of this.#line) {
      if (dealt === items.length) return
      const own = items.slice(dealt, dealt + get.most)
      dealt += own.length
      this.#line.delete(get)
      get.take(own, since)
    }
    if (dealt < items.length) this.giveBack(items.slice(dealt))
  }

  /** What nobody has seen. If the server cannot be reached, they come back when their lease ends. */
  giveBack(items: readonly ClaimedItem[]): void {
    this.#store.giveBack(items, { isDelivered: false }).catch(() => undefined)
  }

  async #leave(): Promise<void> {
    this.#isListed = false
    // If it cannot be reached, the server forgets whoever does not look.
    await this.#store.leave('getter').catch(() => undefined)
  }
}
