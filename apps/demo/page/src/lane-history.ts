import type { LaneState } from '@heddle/demo/serve/protocol.js'

/** From `from` until the next span begins the lane was in `state`; undefined: nobody knows, the connection was lost. */
export interface Span {
  readonly from: number
  readonly state: LaneState | undefined
  readonly on: string | undefined
}

interface Kept extends Span {
  /** Seen in a sample, not told by a change: the change may come later, with an earlier time. */
  readonly sampled: boolean
}

/**
 * What one lane did, as far back as the timeline reaches.
 *
 * **Invariant:** spans are in the order of their times, and no two of the same time are the same.
 */
export class LaneHistory {
  #spans: Kept[] = []

  /** When the first span begins; Infinity: there is none. */
  get begin(): number {
    return this.#spans[0]?.from ?? Infinity
  }

  get last(): Span | undefined {
    return this.#spans.at(-1)
  }

  /** A change, as the lane told it. What was only sampled at that time or later gives way. */
  add(from: number, state: LaneState | undefined, on: string | undefined): void {
    while (this.#spans.at(-1)?.sampled && from <= (this.#spans.at(-1) as Kept).from) this.#spans.pop()
    this.#insert({ from, state, on, sampled: false })
  }

  /** What a sample says of the lane at `time`; it counts only where no change has told the same. */
  settle(time: number, state: LaneState, on: string | undefined): void {
    const last = this.last
    if (last?.state === state && last.on === on) return
    if (last !== undefined && last.from > time) return
    this.#insert({ from: time, state, on, sampled: true })
  }

  /** Calls `visit` with each stretch between `from` and `to`, cut to these. */
  between(from: number, to: number, visit: (span: Span, begin: number, end: number) => void): void {
    for (let i = this.#firstAt(from); i < this.#spans.length; i++) {
      const span = this.#spans[i] as Kept
      if (span.from >= to) return
      const end = Math.min(this.#spans[i + 1]?.from ?? Infinity, to)
      if (end > from) visit(span, Math.max(span.from, from), end)
    }
  }

  /** The milliseconds that the lane spent in each state between `from` and `to`. */
  timeIn(from: number, to: number): Map<LaneState, number> {
    const times = new Map<LaneState, number>()
    this.between(from, to, ({ state }, begin, end) => {
      if (state !== undefined) times.set(state, (times.get(state) ?? 0) + end - begin)
    })
    return times
  }

  /** Forgets what ended before `time`. */
  forget(time: number): void {
    const first = this.#firstAt(time)
    if (first > 0) this.#spans.splice(0, first)
  }

  /** Behind all that began earlier. What is told a second time is known already. */
  #insert(span: Kept): void {
    let at = this.#spans.length
    for (; at > 0; at--) {
      const before = this.#spans[at - 1] as Kept
      if (before.from < span.from) break
      if (before.from === span.from && before.state === span.state && before.on === span.on) return
    }
    while (this.#spans[at]?.from === span.from) at++
    this.#spans.splice(at, 0, span)
  }

  /** The index of the span that `time` lies in; 0 when all begin later. */
  #firstAt(time: number): number {
    let low = 0
    let high = this.#spans.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#spans[middle] as Kept).from <= time) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }
}
