interface Waiter {
  readonly id: number
  readonly permits: number
  readonly signal: number | undefined
  readonly deadline: number
}

/** The obvious slow semaphore: arrays that are searched from the front, and a clock that is moved by hand. */
export class NaiveSemaphore {
  free: number
  readonly waiting: Waiter[] = []
  /** The ids of those who were served, in the order they were. */
  readonly grants: number[] = []
  /** By id: 'granted', 'aborted', or the code of the error. Those who still wait are missing. */
  readonly endings: Record<number, string> = {}
  readonly #bound: number
  readonly #guards = new Map<number, { readonly permits: number; held: boolean }>()
  #isClosed = false
  #now = 0

  constructor(permits: number, bound: number) {
    this.free = permits
    this.#bound = bound
  }

  /** How many timers should run: one for each who waits with a timeout, one for all others together. */
  get timers(): number {
    const timed = this.waiting.filter(({ deadline }) => deadline !== Number.POSITIVE_INFINITY).length
    return timed + (timed < this.waiting.length ? 1 : 0)
  }

  acquire(id: number, permits: number, signal: number | undefined, timeout = Number.POSITIVE_INFINITY): void {
    if (permits > this.#bound) this.endings[id] = 'ERR_OUT_OF_RANGE'
    else if (this.#isClosed) this.endings[id] = 'ERR_CLOSED'
    else if (this.waiting.length === 0 && permits <= this.free) this.#grant(id, permits)
    else if (timeout === 0) this.endings[id] = 'ERR_TIMEOUT'
    else this.waiting.push({ id, permits, signal, deadline: this.#now + timeout })
  }

  /** 'done', 'refused', or the code of the error; the two releases likewise. */
  tryAcquire(id: number, permits: number): string {
    if (permits > this.#bound) return 'ERR_OUT_OF_RANGE'
    if (this.#isClosed) return 'ERR_CLOSED'
    if (this.waiting.length > 0 || permits > this.free) return 'refused'
    this.#grant(id, permits)
    return 'done'
  }

  release(permits: number): string {
    if (this.free + permits > this.#bound) return 'ERR_OVER_RELEASE'
    this.free += permits
    this.#serve()
    return 'done'
  }

  releaseGuard(id: number): string {
    const guard = this.#guards.get(id)
    if (!guard?.held) return 'done'
    const outcome = this.release(guard.permits)
    if (outcome === 'done') guard.held = false
    return outcome
  }

  detachGuard(id: number): string {
    const guard = this.#guards.get(id)
    if (guard !== undefined) guard.held = false
    return 'done'
  }

  /** Whether it holds, and what. */
  guard(id: number): [held: boolean | undefined, permits: number | undefined] {
    const guard = this.#guards.get(id)
    return [guard?.held, guard?.permits]
  }

  abort(signal: number): void {
    for (const waiter of this.waiting.filter((waiter) => waiter.signal === signal)) this.#end(waiter, 'aborted')
    this.#serve()
  }

  pass(ms: number): void {
    const until = this.#now + ms
    for (;;) {
      const [due] = this.waiting.filter(({ deadline }) => deadline <= until).sort((a, b) => a.deadline - b.deadline)
      if (due === undefined) break
      this.#end(due, 'ERR_TIMEOUT')
      this.#serve()
    }
    this.#now = until
  }

  close(): void {
    this.#isClosed = true
    for (let [head] = this.waiting; head !== undefined; [head] = this.waiting) this.#end(head, 'ERR_CLOSED')
  }

  #serve(): void {
    for (let [head] = this.waiting; head !== undefined && head.permits <= this.free; [head] = this.waiting) {
      this.waiting.shift()
      this.#grant(head.id, head.permits)
    }
  }

  #grant(id: number, permits: number): void {
    this.free -= permits
    this.#guards.set(id, { permits, held: true })
    this.grants.push(id)
    this.endings[id] = 'granted'
  }

  #end(waiter: Waiter, ending: string): void {
    this.waiting.splice(this.waiting.indexOf(waiter), 1)
    this.endings[waiter.id] = ending
  }
}
