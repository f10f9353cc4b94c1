import type { Memory } from '../memory/memory.js'
import { GAVE_UP, type Steps, WOKEN } from '../steps.js'
import { perform, sliceMs } from './perform.js'

/** Runs an algorithm to its end and blocks this thread where it waits, until `deadline` on `performance.now()`'s clock. */
export function runBlocking<Result>(memory: Memory, steps: Steps<Result>, deadline: number): Result {
  let next = steps.next()
  while (!next.done) {
    const step = next.value
    if (step.op !== 'wait') {
      next = steps.next(perform(memory, step))
      continue
    }
    const left = deadline === Number.POSITIVE_INFINITY ? sliceMs : deadline - performance.now()
    if (left <= 0) {
      next = steps.next(GAVE_UP)
      continue
    }
    memory.wait(step.index, step.expected, Math.min(left, sliceMs))
    next = steps.next(WOKEN)
  }
  return next.value
}

/** Runs an algorithm that never waits. */
export function runWithoutWaiting<Result>(memory: Memory, steps: Steps<Result>): Result {
  return runBlocking(memory, steps, Number.NEGATIVE_INFINITY)
}
