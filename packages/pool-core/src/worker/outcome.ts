import { types } from 'node:util'
import { type Boundary, type Encoded, encodeThrown, encodeValue } from '@heddle/codec'
import { invalidArgument, LockStateError } from '../errors.js'

export interface Outcome {
  readonly ok: boolean
  readonly outcome: Encoded
}

/** What a task has returned, or why it cannot be sent: then that is its failure. */
export function returned(result: unknown, boundary: Boundary): Outcome {
  try {
    refuseGenerator(result)
    return { ok: true, outcome: encodeValue(result, boundary) }
  } catch (error) {
    return threw(error, boundary)
  }
}

export function threw(error: unknown, boundary: Boundary): Outcome {
  return { ok: false, outcome: encodeThrown(error, boundary) }
}

/** @throws TypeError `ERR_INVALID_ARG` */
export function refuseGenerator(result: unknown): void {
  if (types.isGeneratorObject(result))
    throw invalidArgument('this task is a generator: ask for its values with stream(), run() has one result')
}

/** A task that has settled with a lock in its hands has failed, whatever it came to. */
export function leaked(outcome: { readonly ok: boolean; readonly value: unknown }, boundary: Boundary): Outcome {
  const error = new LockStateError(
    'the task has ended and its thread still holds a guard: release it, or use runExclusive',
    outcome.ok ? undefined : { cause: outcome.value },
  )
  return threw(error, boundary)
}
