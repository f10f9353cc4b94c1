import { Segment } from '@heddle/shared-memory'
import { Absent } from '../../arena.js'

/**
 * Memory that processes share.
 *
 * @throws Absent where there is none, or not so much of it
 */
export function newSegment(size: number): Segment {
  try {
    return Segment.create({ size })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ERR_UNSUPPORTED_PLATFORM' || code === 'ENOSPC')
      throw new Absent(`a segment cannot be made here: ${message}`)
    throw error
  }
}
