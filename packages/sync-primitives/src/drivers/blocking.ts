import { unsupported } from '../errors.js'
import { throwIfClosed } from '../memory/closed.js'
import type { Memory } from '../memory/memory.js'
import { GAVE_UP, type Steps, WOKEN } from '../steps.js'
import { makeWayForBlocking } from './address-waiter.js'
import { perform, sliceMs, waitBriefly } from './perform.js'

/**
 * Runs an algorithm to its end and blocks this thread where it waits, until `deadline` on `performance.now()`'s clock.
 *
 * @throws Error `ERR_UNSUPPORTED_PLATFORM`: it would have to wait, and this thread must not; it gave up
 * @throws ClosedError `ERR_CLOSED`: the memory was closed, before or meanwhile
 */
export function runBlocking<Result>(memory: Memory, steps: Steps<Result>, deadline: number): Result {
  throwIfClosed(memory)
  let next = steps.next()
  while (!next.done) {
    const step = next.value
    if (step.op !== 'wait') {
      next = steps.next(perform(memory, step))
      continue
    }
    if (step.brief) {
      next = steps.next(waitBriefly(memory, step))
      continue
    }
    const left = deadline === Number.POSITIVE_INFINITY ? sliceMs : deadline - performance.now()
    if (left <= 0) {
      next = steps.next(GAVE_UP)
      continue
    }
    makeWayForBlocking(memory, step.index)
    try {
      memory.wait(step.index, step.expected, Math.min(left, sliceMs))
    } catch (cause) {
      throwIfClosed(memory)
      giveUp(memory, steps)
      throw unsupported('this thread must not block, as the main thread of a web page: use the form that awaits', {
        cause,
      })
    }
    next = steps.next(WOKEN)
  }
  return next.value
}

/** Ends an algorithm that stands at a wait. @throws ClosedError `ERR_CLOSED`: the memory was closed */
export function giveUp<Result>(memory: Memory, steps: Steps<Result>): Result {
  throwIfClosed(memory)
  let next = steps.next(GAVE_UP)
  while (!next.done) {
    const step = next.value
    if (step.op !== 'wait') next = steps.next(perform(memory, step))
    else next = steps.next(step.brief ? waitBriefly(memory, step) : GAVE_UP)
  }
  return next.value
}

/** Runs an algorithm that waits for internal locks at most. */
export function runWithoutWaiting<Result>(memory: Memory, steps: Steps<Result>): Result {
  return runBlocking(memory, steps, Number.NEGATIVE_INFINITY)
}

/**
 * Runs the algorithm of a release: in a closed memory there is nothing to release.
 *
 * @param ifClosed - the result then
 */
export function runRelease<Result>(memory: Memory, steps: Steps<Result>, ifClosed: Result): Result {
  if (memory.isClosed) return ifClosed
  try {
    return runWithoutWaiting(memory, steps)
  } catch (error) {
    if (memory.isClosed) return ifClosed
    throw error
  }
}
