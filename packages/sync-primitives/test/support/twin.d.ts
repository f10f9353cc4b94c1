import type fc from 'fast-check'

/** A task that waits, and what has become of it: 'pending', its value, its error's code, or the reason of its signal. */
export declare class Wait<Value> {
  constructor(begin: (options: { signal: AbortSignal }) => Promise<Value>, weight?: number)
  readonly weight: number
  readonly ended: Promise<void>
  readonly outcome: unknown
  /** Aborts it, and fails if that is not what ended it. */
  leave(): Promise<void>
}

/** The code of what the call throws; undefined if it does not. */
export declare function codeOf(call: () => unknown): string | undefined

/** The item of that number, counted round; undefined if there is none. */
export declare function at<Item>(items: readonly Item[], which: number): Item | undefined

/** Lists of operations by name, each with a number, as often as their weights say. */
export declare function operations<Name extends string>(
  weights: Record<Name, number>,
  maxLength?: number,
): fc.Arbitrary<{ name: Name; number: number }[]>
