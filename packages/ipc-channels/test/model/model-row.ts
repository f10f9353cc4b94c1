import type { ExploreOptions } from '@heddle/interleave'

/** One exploration of the lines that ship. */
export interface ModelRow {
  readonly algorithm: string
  /** Threads, rounds and what may happen to them. */
  readonly configuration: string
  readonly options: ExploreOptions
  /** Small enough for the test suite. */
  readonly quick?: true
}
