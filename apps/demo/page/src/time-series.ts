import { windowMs } from './run-model.js'

/** So many values out of date are dropped at once: to drop each by itself would move all others each time. */
const mostStale = 64

/** The least and the greatest of a line's values in the window; undefined: there is none. */
export interface Extent {
  readonly least: number | undefined
  readonly most: number | undefined
}

/** Numbers of a few lines over time, as far back as the page looks. */
export class TimeSeries {
  readonly #times: number[] = []
  readonly #lines: (number | null)[][]

  constructor(lines: number) {
    this.#lines = Array.from({ length: lines }, () => [])
  }

  /** One value for each line; undefined: not known. */
  push(time: number, values: readonly (number | undefined)[]): void {
    this.#times.push(time)
    this.#lines.forEach((line, at) => {
      line.push(values[at] ?? null)
    })
    // A little more than the window: the line to its left edge begins outside of it.
    const stale = this.#times.findIndex((each) => each > time - windowMs * 1.1)
    if (stale < mostStale) return
    this.#times.splice(0, stale)
    for (const line of this.#lines) line.splice(0, stale)
  }

  /** The times in seconds from `time` on, hence negative, then the values of each line. */
  seenFrom(time: number): [number[], ...(number | null)[][]] {
    return [this.#times.map((each) => (each - time) / 1_000), ...this.#lines]
  }

  extent(line: number): Extent {
    const begin = (this.#times.at(-1) ?? 0) - windowMs
    const known = (this.#lines[line] ?? []).filter(
      (value, at): value is number => value !== null && (this.#times[at] ?? 0) >= begin,
    )
    return known.length === 0
      ? { least: undefined, most: undefined }
      : { least: Math.min(...known), most: Math.max(...known) }
  }
}
