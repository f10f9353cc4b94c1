import type { Percentiles } from './protocol.js'

const mostKept = 500

/** How long the last ones of something took. */
export class Durations {
  readonly #ms: number[] = []

  add(ms: number): void {
    this.#ms.push(ms)
    if (this.#ms.length > mostKept) this.#ms.shift()
  }

  /** Each is one of the durations: so many percent of them are not longer. Undefined: there is none yet. */
  percentiles(): Percentiles | undefined {
    if (this.#ms.length === 0) return undefined
    const sorted = [...this.#ms].sort((one, other) => one - other)
    const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
  }
}
