import type { ThreadSafeQueue } from '../thread-safe-queue.js'

/** What became of an item that was to be put. */
type PutOutcome = 'put' | 'refused' | 'closed' | { readonly error: unknown }

/** What a consumer got; `lost`: an item was taken that cannot be opened here, and is gone. */
type TakeOutcome<T> = { readonly item: T } | 'over' | 'closed' | { readonly lost: unknown }

/** Is told that the queue itself has failed. */
type OnBroken = (error: unknown) => void

/**
 * The queue as one run uses it: what can be waited for, until the run says how far.
 *
 * states: open → draining (gets go on to the last item that was put until now, and do not wait) → over; open or draining → over.
 *
 * Invariant: what is said to be refused was not put, and who is told that it is over has taken nothing.
 * Invariant: after `end()` all that is under way ends soon: the only waits are those on the queue, and they are told.
 */
export class QueuePort<T> {
  readonly #queue: ThreadSafeQueue<T>
  readonly #onBroken: OnBroken
  readonly #puts = new AbortController()
  readonly #gets = new AbortController()
  /** Told apart from all that a queue or an item can throw. */
  readonly #told = new Error('the system was stopped')
  /** The count of puts up to which gets go; undefined: no limit. */
  #limit: number | undefined
  #isOver = false

  constructor(queue: ThreadSafeQueue<T>, onBroken: OnBroken) {
    this.#queue = queue
    this.#onBroken = onBroken
  }

  async put(item: T): Promise<PutOutcome> {
    try {
      await this.#queue.put(item, { signal: this.#puts.signal })
      return 'put'
    } catch (error) {
      if (error === this.#told) return 'refused'
      const code = codeOf(error)
      if (code === 'ERR_CLOSED') return 'closed'
      // Anything else may be the item's fault: the next one may go in.
      if (!isOfQueue(code)) return { error }
      this.#onBroken(error)
      return 'refused'
    }
  }

  async take(): Promise<TakeOutcome<T>> {
    if (this.#limit !== undefined || this.#isOver) return this.#takeWithoutWaiting()
    try {
      return { item: await this.#queue.get({ signal: this.#gets.signal }) }
    } catch (error) {
      if (error !== this.#told) return this.#judge(error)
    }
    return this.#takeWithoutWaiting()
  }

  /** Gets go on up to what was put until now, by anybody, and do not wait. */
  drain(): void {
    if (this.#limit !== undefined || this.#isOver) return
    this.#limit = this.#mark()
    this.#gets.abort(this.#told)
  }

  /** Puts that wait for room, and later ones, are refused. */
  refusePuts(): void {
    this.#puts.abort(this.#told)
  }

  /** No more puts and gets. */
  end(): void {
    this.#isOver = true
    this.#puts.abort(this.#told)
    this.#gets.abort(this.#told)
  }

  /** Closes the queue for all. */
  close(): void {
    try {
      this.#queue.close()
    } catch {
      // Its memory is closed, which it is then too, or has failed, which whoever uses it is told.
    }
  }

  /** So many of the items that were taken have their fates: for those who `join` the queue. */
  done(items: number): void {
    try {
      this.#queue.taskDone(items)
    } catch {
      // A consumer has said so itself, or the memory is closed: then nobody here waits for it.
    }
  }

  /** Takes what is inside now. */
  *takeAll(): Generator<{ readonly item: T } | { readonly lost: unknown }, void, undefined> {
    const limit = this.#mark()
    for (;;) {
      const taken = this.#takeUpTo(limit)
      if (typeof taken === 'string') return
      yield taken
    }
  }

  /**
   * To one that comes while gets that were told to end are still on their way out, `tryGet` may say that there is nothing: then
   * the last of those takes what is left.
   */
  #takeWithoutWaiting(): TakeOutcome<T> {
    return this.#limit === undefined || this.#isOver ? 'over' : this.#takeUpTo(this.#limit)
  }

  #takeUpTo(limit: number): TakeOutcome<T> {
    try {
      // The counts may go round at 2^32; their difference is less than the capacity.
      if (((limit - this.#queue.getStats().getCount) | 0) <= 0) return 'over'
      return this.#queue.tryGet() ?? 'over'
    } catch (error) {
      return this.#judge(error)
    }
  }

  #mark(): number {
    try {
      return this.#queue.getStats().putCount
    } catch {
      // The next get tells why.
      return 0
    }
  }

  /** Whose fault a failed get is: that of an item that cannot be opened here, and was taken; or the queue's. */
  #judge(error: unknown): TakeOutcome<T> {
    const code = codeOf(error)
    if (code === 'ERR_CLOSED') return 'closed'
    if (code === 'ERR_BAD_HANDLE' && this.#isUsable) return { lost: error }
    this.#onBroken(error)
    return 'over'
  }

  /** False: it was freed, say, and every get would fail. */
  get #isUsable(): boolean {
    try {
      this.#queue.getStats()
      return true
    } catch {
      return false
    }
  }
}

/** Whether a put with this code has failed because of the queue, and not of the item. */
function isOfQueue(code: unknown): boolean {
  return code === 'ERR_PEER_GONE' || code === 'ERR_CORRUPT' || code === 'ERR_INTERNAL'
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined
}
