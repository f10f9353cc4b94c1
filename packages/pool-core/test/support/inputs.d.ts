/** The whole numbers below it. */
export declare function range(count: number): number[]

export interface CountingInput<Value> {
  /** How many were asked for, a failing one included. */
  readonly pulled: number
  readonly closed: boolean
  readonly input: Generator<Value, void, void>
}

/** An input of so many values that counts what is pulled, and knows when it was closed. */
export declare function counting<Value>(valueAt: (index: number) => Value, end?: number): CountingInput<Value>

/** What came, and what it ended with. */
export declare function collect<Value>(
  results: AsyncIterable<Value>,
): Promise<{ readonly values: Value[]; readonly error: unknown }>
