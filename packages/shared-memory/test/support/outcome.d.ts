/** What the call threw, or `{ returned }`. */
export declare function outcomeOf(call: () => unknown): unknown

/** The errors of bad arguments and handles, to be compared with an outcome. */
export declare const invalid: unknown
export declare const outOfRange: unknown
export declare const badHandle: unknown
