/** One that asked the naive limiter and was not served at once. */
interface Waiting {
  readonly id: number
  readonly permits: number
  readonly signal: number | undefined
  readonly deadline: number
  /** When its permits come if nobody leaves. */
  due: number
  readonly isReservation: boolean
}

export interface NaiveOptions {
  readonly rate: number
  readonly per: number
  readonly strict: boolean
  readonly burst: number | undefined
  readonly maxWaiting: number
}

/** The obvious slow limiter: arrays that are searched from the front, and a clock that moves millisecond by millisecond. */
export class NaiveRateLimiter {
  now = 0
  line: Waiting[] = []
  /** The ids of those who were served, in the order they were. */
  readonly grants: number[] = []
  /** By id: 'granted', 'aborted', 'cancelled', or the code of the error. Those who still wait are missing. */
  readonly endings: Record<number, string> = {}
  isClosed = false
  rate: number
  per: number
  readonly #options: NaiveOptions
  /** What is in the bucket; what is more than the burst flows over when somebody takes from it. */
  #level: number
  /** When each permit of the log was taken. */
  #taken: number[] = []

  constructor(options: NaiveOptions) {
    this.#options = options
    this.rate = options.rate
    this.per = options.per
    this.#level = this.burst
  }

  get burst(): number {
    return this.#options.burst ?? Math.max(1, Math.floor(this.rate))
  }

  get #window(): number {
    return this.rate < 1 ? this.per / this.rate : this.per
  }

  get available(): number {
    if (this.#options.strict) return Math.max(0, this.burst - this.#inWindow().length)
    return Math.floor(Math.min(this.#level, this.burst))
  }

  /** One timer for the first in the line, if its time ever comes, and one for each with a deadline. */
  get timers(): number {
    const [head] = this.line
    const wake = head !== undefined && this.#dueIn([head.permits]) < Number.POSITIVE_INFINITY ? 1 : 0
    return wake + this.line.filter(({ deadline }) => deadline < Number.POSITIVE_INFINITY).length
  }

  /** Milliseconds until the reservation is due, or a little less if it is not the first. */
  delay(id: number): number {
    if (this.endings[id] === 'granted') return 0
    const place = this.line.findIndex((waiting) => waiting.id === id)
    if (place < 0) return Number.POSITIVE_INFINITY
    return Math.max(0, this.#dueIn(this.line.slice(0, place + 1).map(({ permits }) => permits)))
  }

  tryAcquire(id: number, permits: number): string {
    if (permits > this.burst) return 'ERR_OUT_OF_RANGE'
    if (this.isClosed) return 'ERR_CLOSED'
    if (this.line.length > 0 || this.#dueIn([permits]) > 0) return 'refused'
    this.#grant(id, permits)
    return 'done'
  }

  acquire(id: number, permits: number, signal: number | undefined, timeout = Number.POSITIVE_INFINITY): void {
    const outcome = this.tryAcquire(id, permits)
    if (outcome === 'done') return
    const asked = [...this.line.map((waiting) => waiting.permits), permits]
    if (outcome !== 'refused') this.endings[id] = outcome
    else if (timeout === 0 || this.#dueIn(asked) > timeout) this.endings[id] = 'ERR_TIMEOUT'
    else if (this.line.length >= this.#options.maxWaiting) this.endings[id] = 'ERR_TIMEOUT'
    else {
      const due = this.now + this.#dueIn(asked)
      this.line.push({ id, permits, signal, deadline: this.now + timeout, due, isReservation: false })
    }
  }

  reserve(id: number, permits: number): string {
    const outcome = this.tryAcquire(id, permits)
    if (outcome !== 'refused') return outcome
    if (this.line.length >= this.#options.maxWaiting) return 'ERR_TIMEOUT'
    const due = this.now + this.#dueIn([...this.line.map((waiting) => waiting.permits), permits])
    this.line.push({ id, permits, signal: undefined, deadline: Number.POSITIVE_INFINITY, due, isReservation: true })
    return 'done'
  }

  cancel(id: number): boolean {
    return this.#end((waiting) => waiting.id === id, 'cancelled')
  }

  abort(signal: number): void {
    this.#end((waiting) => waiting.signal === signal, 'aborted')
  }

  setRate(rate: number, per: number): void {
    const content = Math.min(this.#level, this.burst)
    this.#taken = this.#inWindow()
    this.rate = rate
    this.per = per
    this.#level = Math.min(content, this.burst)
    this.#end((waiting) => waiting.permits > this.burst, 'ERR_OUT_OF_RANGE')
    for (const [place, waiting] of this.line.entries())
      waiting.due = this.now + this.#dueIn(this.line.slice(0, place + 1).map(({ permits }) => permits))
    this.#serve()
  }

  pass(ms: number): void {
    for (let i = 0; i < ms; i++) this.block(1)
  }

  /** All this time nobody was served, nor told that it was late. */
  block(ms: number): void {
    this.now += ms
    this.#level += (ms * this.rate) / this.per
    this.#serve()
    this.#end((waiting) => waiting.deadline <= this.now, 'ERR_TIMEOUT')
  }

  close(): void {
    this.isClosed = true
    this.#end(() => true, 'ERR_CLOSED')
  }

  #serve(): void {
    for (let head = this.line[0]; head !== undefined; head = this.line[0]) {
      const dueIn = this.#dueIn([head.permits])
      if (this.now >= head.deadline && Math.min(head.due, this.now + dueIn) > head.deadline)
        this.endings[head.id] = 'ERR_TIMEOUT'
      else if (dueIn <= 0) this.#grant(head.id, head.permits)
      else return
      this.line.shift()
    }
  }

  #end(isMeant: (waiting: Waiting) => boolean, ending: string): boolean {
    const left = this.line.filter(isMeant)
    this.line = this.line.filter((waiting) => !left.includes(waiting))
    for (const { id, isReservation } of left) this.endings[id] = isReservation ? 'cancelled' : ending
    if (left.length > 0) this.#serve()
    return left.length > 0
  }

  #grant(id: number, permits: number): void {
    this.#level = Math.min(this.#level, this.burst) - permits
    for (let i = 0; i < permits; i++) this.#taken.push(this.now)
    this.grants.push(id)
    this.endings[id] = 'granted'
  }

  #inWindow(): number[] {
    return this.#taken.filter((at) => this.now - at < this.#window)
  }

  /** Milliseconds until the last of those who ask for so many each could be served. */
  #dueIn(asked: readonly number[]): number {
    const sum = asked.reduce((total, permits) => total + permits, 0)
    if (!this.#options.strict) {
      const missing = sum - this.#level
      if (this.rate === 0) return missing > 0 ? Number.POSITIVE_INFINITY : 0
      return (missing * this.per) / this.rate
    }
    // Permit by permit: each one comes when the one that is the allowance before it leaves the window.
    const times = this.#inWindow()
    let dueIn = 0
    for (let i = 0; i < sum; i++) {
      const before = times[times.length - this.burst]
      dueIn = before === undefined ? 0 : Math.max(0, before + this.#window - this.now)
      times.push(this.now + dueIn)
    }
    return dueIn
  }
}
