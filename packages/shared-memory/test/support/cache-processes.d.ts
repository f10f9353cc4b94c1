/** A process that does the commands of `fixtures/cache-process.mjs`. `await using`: it has ended at the end of the block. */
export declare class CacheProcess implements AsyncDisposable {
  readonly pid: number
  /** Resolves when it is inside of a computation. */
  readonly inside: Promise<void>
  do<Result = unknown>(command: string, data?: object): Promise<Result>
  /** Calls a method of the cache. */
  call<Result = unknown>(method: string, ...args: unknown[]): Promise<Result>
  kill(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
