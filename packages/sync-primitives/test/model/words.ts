import { add, type CheckpointValue, checkpoint, load, type Steps, store } from '@heddle/interleave'

/** Runs an algorithm whose checkpoints know nothing of what its caller has to remember. */
export function* within<Result>(context: readonly CheckpointValue[], steps: Steps<Result>): Steps<Result> {
  let next = steps.next()
  while (!next.done) {
    const step = next.value
    const found: number = yield step.op === 'checkpoint' ? checkpoint([...context, ...[step.state].flat()]) : step
    next = steps.next(found)
  }
  return next.value
}

/**
 * What a lock guards: a count of those inside, and a sum that loses additions when two are inside at once.
 *
 * A thread that is killed inside leaves the count as it is; whoever takes over from it is told, and sets it to 0.
 */
export function* insideExclusively(insideIndex: number, sumIndex: number): Steps<void> {
  const others = yield add(insideIndex, 1)
  if (others !== 0) throw new Error(`${others} others are inside as well`)
  const sum = yield load(sumIndex)
  yield store(sumIndex, sum + 1)
  yield add(insideIndex, -1)
}
