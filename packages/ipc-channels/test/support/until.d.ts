/** Resolves when the condition holds, and rejects if it does not within 10 s. */
export declare function until(condition: () => boolean, what: string): Promise<void>

/** Lets everything run that is due now, and what that makes due. */
export declare function turnsOfTheLoop(turns?: number): Promise<void>

/** What the call threw; throws if it did not. */
export declare function thrownBy(call: () => unknown): unknown

/** What the promise was rejected with; rejects if it was not. */
export declare function rejectionOf(promise: Promise<unknown>): Promise<unknown>

/** Waits for so many turns of the microtask queue. */
export declare function microtasks(count: number): Promise<void>
