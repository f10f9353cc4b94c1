/** What the process says with its exit code; a signal gives 128 and its number. */
export const DONE = 0
export const FAILED = 1
export const BAD_USAGE = 2

/** The user asked for something that cannot be done; the message, one line, says what to do instead. */
export class UsageError extends Error {
  static {
    UsageError.prototype.name = 'UsageError'
  }
}
