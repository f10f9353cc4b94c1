/** Calls what a user has handed in. What it throws is an uncaught exception of its own, and hurts nothing here. */
export function reportError(call: () => void): void {
  try {
    call()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
