/** Makes the error of a user's callback an uncaught exception, as that of an event listener is: we go on, and it is not lost. */
export function reportError(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
