import { outOfRange } from '@heddle/pool-core/building-blocks'

/** For one who wants another number of permits than those who hold or await some at the time. */
export function otherBound(wanted: number, known: number): RangeError {
  return outOfRange(
    `this semaphore has ${known} permits for those who hold or await some now, and cannot have ${wanted} before they are gone`,
  )
}
