/** A caller and the other process that runs its tasks. */
export interface Runner {
  readonly version: string
  /** Has n + 1 worked out there. */
  readonly call: (n: number) => Promise<unknown>
  /** The other process. */
  readonly pid: number
  readonly close: () => Promise<void>
}

/** How many tasks each side's other process takes at a time. */
export const concurrency = 32
