import type { ReadOutcome } from '../algorithms/read-write-lock.js'
import { type Ending, isAbort } from '../drivers/patience.js'
import { BrokenError, LockStateError, outOfRange, TimeoutError } from '../errors.js'

/** What a call that could not enter a read-write lock throws. */
export function readWriteFailure(outcome: Exclude<ReadOutcome, 'acquired'>): Error {
  switch (outcome) {
    case 'gave up':
      return new TimeoutError('the read-write lock could not be entered in time')
    case 'owner died':
      return new BrokenError(
        'ERR_OWNER_DIED',
        'a writer died inside the read-write lock: take it for writing, repair the data and call markConsistent()',
      )
    case 'not recoverable':
      return new LockStateError(
        'ERR_NOT_RECOVERABLE',
        'a writer died inside the read-write lock, and the next one left without markConsistent(): nobody enters any more',
      )
    case 'too many':
      return outOfRange('this thread is inside the read-write lock as often as it can be, 2,046 times')
  }
}

/** One that gave up because its signal aborted gets the signal's reason. */
export function orAbort<Result extends string>(result: Result, ending: Ending | undefined): Result {
  if (result === 'gave up' && isAbort(ending)) throw ending.reason
  return result
}

export function alreadyInside(how: string): LockStateError {
  return new LockStateError(
    'ERR_ALREADY_OWNED',
    `this thread ${how} in the read-write lock already: waiting for it here could never end`,
  )
}

export function notInTime(): TimeoutError {
  return new TimeoutError('the readers did not leave the read-write lock in time')
}
