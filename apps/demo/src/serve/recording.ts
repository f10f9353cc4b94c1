import { Clock } from './lanes/monotonic.js'
import type { Lane, LaneChange, Snapshot } from './protocol.js'

/** So many events are kept. */
const mostEvents = 20_000
/** How far back those who come later are told. */
const historyMs = 15_000

/** What a lane is, whatever it does. */
export type LaneIdentity = Pick<Lane, 'id' | 'title' | 'kind' | 'pid' | 'threadId'>

export type RecordedEvent =
  | { readonly kind: 'change'; readonly time: number; readonly lane: LaneIdentity; readonly change: LaneChange }
  | {
      readonly kind: 'counter'
      readonly time: number
      readonly name: string
      readonly values: Readonly<Record<string, number>>
    }
  | { readonly kind: 'note'; readonly time: number; readonly text: string }

/**
 * The last of what has happened, in memory that does not grow.
 *
 * Invariant: event n, for the last `mostEvents` of them, is at n modulo this; numbers are never used twice.
 */
export class Recording {
  readonly clock = new Clock()
  readonly #events: RecordedEvent[] = []
  /** The first event of what began last. */
  #from = 0
  #end = 0
  #lanes = 0

  newLaneId(): number {
    this.#lanes += 1
    return this.#lanes
  }

  change(lane: LaneIdentity, change: LaneChange): void {
    this.#add({ kind: 'change', time: change.time, lane, change })
  }

  counter(name: string, time: number, values: Readonly<Record<string, number>>): void {
    this.#add({ kind: 'counter', time, name, values })
  }

  note(text: string): void {
    this.#add({ kind: 'note', time: this.clock.now(), text })
  }

  /** The number that the next event gets. */
  get end(): number {
    return this.#end
  }

  /**
   * What is told of the events from number `since` up to, and without, `end`: also those before something else began. Without
   * `since`: the changes of the last while.
   */
  told(since: number | undefined, end: number): Pick<Snapshot, 'changes' | 'notes'> {
    const changes: LaneChange[] = []
    const notes: { time: number; text: string }[] = []
    const earliest = since === undefined ? this.clock.now() - historyMs : Number.NEGATIVE_INFINITY
    for (const event of this.events(since, end)) {
      if (event.kind === 'change' && event.time >= earliest) changes.push(event.change)
      else if (event.kind === 'note' && since !== undefined) notes.push({ time: event.time, text: event.text })
    }
    return { changes, notes }
  }

  /** The events that are kept, in the order in which they became known; without `since`, those of what began last. */
  *events(since = this.#from, end = this.#end): Generator<RecordedEvent, void, undefined> {
    for (let n = Math.max(since, this.#end - mostEvents); n < end; n++)
      yield this.#events[n % mostEvents] as RecordedEvent
  }

  /** Something else begins: those who come later, and the trace, are told of that alone. */
  beginAnew(): void {
    this.#from = this.#end
  }

  #add(event: RecordedEvent): void {
    this.#events[this.#end % mostEvents] = event
    this.#end += 1
  }
}
