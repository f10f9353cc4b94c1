/** How many guards the package says that this thread holds. */
export const heldGuards = () => globalThis[Symbol.for('heddle.threads')].heldGuards()
