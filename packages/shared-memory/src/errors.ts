import { CorruptError } from '@heddle/codec'

// One class for both: of damaged words, and of damaged bytes in them.
export { CorruptError }

/** Something about the file of a segment; `code` says what. Nothing was opened or made. */
export class SegmentError extends Error {
  readonly code: 'ERR_SEGMENT_EXISTS' | 'ERR_SEGMENT_NOT_FOUND' | 'ERR_SEGMENT_UNTRUSTED' | 'ENOSPC'

  constructor(code: SegmentError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  static {
    SegmentError.prototype.name = 'SegmentError'
  }
}

/** For words that none of our code can have written. */
export function corrupt(message: string): CorruptError {
  return new CorruptError(`the shared memory is damaged: ${message}`)
}
