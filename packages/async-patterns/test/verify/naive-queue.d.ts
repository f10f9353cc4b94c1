/** The obvious slow queue: arrays that are searched from the front, and a clock that is moved by hand. Items are ids of puts. */
export class NaiveQueue {
  constructor(capacity: number)
  readonly items: readonly number[]
  readonly puts: readonly unknown[]
  readonly gets: readonly unknown[]
  readonly joins: readonly unknown[]
  /** By id: the item or items, 'put', 'joined', 'done', 'aborted', or the code of the error. Those who wait are missing. */
  readonly endings: Record<number, unknown>
  readonly putCount: number
  readonly highestSize: number
  readonly unfinished: number
  /** How many timers should run: one for each who waits with a timeout, one for all others together. */
  readonly timers: number
  put(id: number, signal: number | undefined, timeout: number | undefined): void
  tryPut(id: number): boolean | string
  get(
    id: number,
    form: 'get' | 'getMany' | 'next',
    most: number,
    signal: number | undefined,
    timeout: number | undefined,
  ): void
  tryGet(): number[] | string | undefined
  clear(): number[]
  taskDone(count: number): string | undefined
  join(id: number, signal: number | undefined, timeout: number | undefined): void
  close(withReason: boolean): void
  abort(signal: number): void
  pass(ms: number): void
  /** Ends the turn: those who were given their first item take what else is there. */
  settle(): void
}
