/**
 * The code of the error that an action fails with, which it is expected to do; undefined: it has not failed.
 *
 * @throws the reason of `signal` when it has aborted
 */
export async function failureCode(signal: AbortSignal, action: () => unknown): Promise<unknown> {
  try {
    await action()
    return undefined
  } catch (error) {
    signal.throwIfAborted()
    return (error as NodeJS.ErrnoException).code
  }
}
