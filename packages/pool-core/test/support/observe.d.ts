/** Resolves when the condition holds, and rejects if it does not within 25 s. */
export declare function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void>

/** Lets everything run that is due now, and what that makes due. */
export declare function turnsOfTheLoop(turns?: number): Promise<void>

/** What the promise rejected with, as if it were an error with the usual fields; rejects if it did not. */
export declare function rejectionOf(promise: Promise<unknown>): Promise<ObservedError>

/** What the call threw; throws if it did not. */
export declare function thrownBy(call: () => unknown): ObservedError

/** Whether a process has not ended yet. */
export declare function isAlive(pid: number): boolean

/** What tests look at in an error; all of it is checked by the test, none by the type. */
export interface ObservedError extends Error {
  readonly code: string
  readonly path: string
  readonly exitCode: number | undefined
  readonly signal: string | undefined
  readonly errors: readonly ObservedError[]
  readonly cause: ObservedError
}
