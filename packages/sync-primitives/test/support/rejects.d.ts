/** Resolves when the promise was rejected with an error of that code, or of any if none is given. To be called before it is. */
export declare function rejects(promise: Promise<unknown>, code?: string): Promise<void>

/** The same, for one very value. */
export declare function rejectsWith(promise: Promise<unknown>, reason: unknown): Promise<void>
