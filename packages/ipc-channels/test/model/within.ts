import { type CheckpointValue, checkpoint, type Steps } from '@heddle/interleave'

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

/** Runs an algorithm without its checkpoints: they do not know where in its caller it is. */
export function* withoutCheckpoints<Result>(steps: Steps<Result>): Steps<Result> {
  let next = steps.next()
  while (!next.done) next = steps.next(next.value.op === 'checkpoint' ? 0 : yield next.value)
  return next.value
}
