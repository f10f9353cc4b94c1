import type { Step, Steps } from '@heddle/interleave'

/** A thread without branches: its steps, and as its result what they found. */
export function straight(steps: readonly Step[]): () => Steps<string> {
  return function* () {
    const found: number[] = []
    for (const step of steps) found.push(yield step)
    return found.join()
  }
}

/** The steps again until the last one finds what is wanted; after each round a spin hint, if it is to have one. */
export function until(wanted: number, step: Step, hint?: Step): () => Steps<void> {
  return function* () {
    while ((yield step) !== wanted) if (hint) yield hint
  }
}
