import { ClosedError, QueueFullError } from '@heddle/pool-core'
import type { WaitLimits } from '@heddle/pool-core/building-blocks'
import { AskLoop } from './ask-loop.js'
import type { Mailbox } from './mailbox.js'
import { lookMs, type QueueStore } from './queue-store.js'
import { Waiter } from './waiter.js'

/** What goes into one request at most, unless a single item is larger. */
const mostItems = 256
const mostBytes = 1_048_576

/** What one call wants to put. */
interface Put {
  readonly bodies: readonly Uint8Array[]
  /** Of those, how many are in the queue: the first ones. */
  accepted: number
  readonly waiter: Waiter<void>
}

/**
 * The puts of one object. They go in the order they came, and as many as fit in one request.
 *
 * Invariant: one request is on its way at a time, and the numbers of requests grow: one that is sent again, since its answer was
 * lost, puts nothing twice.
 * Invariant: while something waits, either a request is on its way, or the server has said after it came that there is no room;
 * then this object is told when there is some, and looks each second.
 * Invariant: what is in a request that is on its way is in the queue, or not, before its call ends.
 */
export class PutLine {
  readonly #store: QueueStore
  readonly #mailbox: Mailbox
  readonly #tag: string
  readonly #capacity: number
  readonly #line = new Set<Put>()
  readonly #loop: AskLoop
  #number = 0
  /** Since the last question, which was for all in the line, there is no room. */
  #isFull = false
  /** The server may have this object on its list of those who wait. */
  #isListed = false
  #stopListening: (() => void) | undefined

  /** @param tag - by which the store is told of this object */
  constructor(store: QueueStore, mailbox: Mailbox, tag: string, capacity: number) {
    this.#store = store
    this.#mailbox = mailbox
    this.#tag = tag
    this.#capacity = capacity
    this.#loop = new AskLoop(
      () => this.#step(),
      () => (this.#line.size > 0 ? lookMs : undefined),
    )
  }

  /** There is room, or may be. */
  #look(): void {
    if (this.#line.size > 0) this.#loop.ask()
  }

  /** @param restOf - what is to be handed back when only so many of the items were put */
  put(bodies: readonly Uint8Array[], limits: WaitLimits, restOf: (accepted: number) => unknown): Promise<void> {
    const put: Put = {
      bodies,
      accepted: 0,
      waiter: new Waiter<void>(
        limits,
        () => this.#givenUp(put),
        () => new QueueFullError(restOf(put.accepted), 'the queue had no room in time'),
      ),
    }
    this.#line.add(put)
    // Behind those for whom there is no room there is none either; but one that does not wait needs an answer now.
    if (!this.#isFull || put.waiter.isOnce) this.#loop.ask()
    return put.waiter.promise
  }

  #givenUp(put: Put): void {
    this.#line.delete(put)
    if (this.#line.size > 0) return
    this.#loop.endPause()
    if (this.#isListed) this.#loop.ask()
  }

  async #step(): Promise<void> {
    this.#isFull = false
    try {
      if (this.#line.size > 0) await this.#request()
      else if (this.#isListed) await this.#leave()
    } catch (error) {
      for (const { waiter } of this.#line) waiter.reject(error)
      this.#line.clear()
    }
    this.#isFull = this.#line.size > 0
    if (this.#line.size > 0) return
    this.#stopListening?.()
    this.#stopListening = undefined
  }

  async #request(): Promise<void> {
    const asked = Array.from(this.#line)
    const { bodies, puts } = nextBatch(asked)
    const mayWait = this.#mailbox.isOpen && asked.some(({ waiter }) => !waiter.isOnce)
    if (mayWait) this.#stopListening ??= this.#mailbox.listen(this.#tag, () => this.#look())
    this.#number += 1
    for (const { waiter } of puts) waiter.hold()
    const request = { number: this.#number, bodies, capacity: this.#capacity, mayWait }
    const { accepted, isClosed } = await this.#store.put(request)
    const isFull = accepted < bodies.length
    this.#isListed = mayWait && !isClosed && isFull
    if (isClosed) {
      for (const put of asked) this.#line.delete(put)
      for (const { waiter } of asked) waiter.reject(new ClosedError('the queue is closed: nothing can be put'))
    } else this.#accept(puts, accepted)
    for (const { waiter } of puts) waiter.letGo()
    if (isFull) for (const { waiter } of asked) if (waiter.isOnce) waiter.timeOut()
    if (this.#line.size === 0) return
    if (!isFull) this.#loop.ask()
    else if (!this.#mailbox.isOpen) {
      await this.#mailbox.open()
      this.#loop.ask()
    }
  }

  #accept(puts: readonly Put[], accepted: number): void {
    let left = accepted
    for (const put of puts) {
      const own = Math.min(left, put.bodies.length - put.accepted)
      put.accepted += own
      left -= own
      if (put.accepted < put.bodies.length) return
      this.#line.delete(put)
      put.waiter.resolve()
    }
  }

  async #leave(): Promise<void> {
    this.#isListed = false
    // If it cannot be reached, the server forgets whoever does not look.
    await this.#store.leave('putter').catch(() => undefined)
  }
}

function nextBatch(line: readonly Put[]): { readonly bodies: readonly Uint8Array[]; readonly puts: readonly Put[] } {
  const bodies: Uint8Array[] = []
  const puts: Put[] = []
  let bytes = 0
  for (const put of line) {
    for (const body of put.bodies.slice(put.accepted)) {
      bytes += body.byteLength
      if (bodies.length === mostItems || (bodies.length > 0 && bytes > mostBytes)) return { bodies, puts }
      bodies.push(body)
      if (puts.at(-1) !== put) puts.push(put)
    }
  }
  return { bodies, puts }
}
