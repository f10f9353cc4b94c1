import { invalidArgument } from '../errors.js'

/** For what has to be done at once. @throws TypeError `ERR_INVALID_ARG`: it is a promise; how that settles is not told */
export function refusePromise(value: unknown, message: string): void {
  if (typeof (value as PromiseLike<unknown> | undefined)?.then !== 'function') return
  // This error is what its caller gets; a rejection beside it would end the process.
  void (value as PromiseLike<unknown>).then(undefined, () => {})
  throw invalidArgument(message)
}
