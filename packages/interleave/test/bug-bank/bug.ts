import { type ExploreOptions, type FailureKind, load, type Steps, store } from '@heddle/interleave'

/** A mistake that people make, and the same code without it. */
export interface Bug {
  readonly name: string
  /** How the mistake shows. */
  readonly kind: FailureKind
  readonly faulty: ExploreOptions
  readonly correct: ExploreOptions
}

export interface Lock {
  /** Returns false if it gave up. */
  readonly acquire: (me: number) => Steps<boolean>
  readonly release: (me: number) => Steps<void>
}

/** So many threads that do the same: a, b, c, … with the participant numbers 1, 2, 3, … */
export function alike(
  count: number,
  run: (me: number) => Steps<unknown>,
): Record<string, (me: number) => Steps<unknown>> {
  return Object.fromEntries(['a', 'b', 'c', 'd'].slice(0, count).map((name) => [name, run]))
}

/** Adds one in two steps, which a lock has to keep together. */
export function* addOne(word: number): Steps<void> {
  const seen = yield load(word)
  yield store(word, seen + 1)
}

/** The words of {@link adders}: the lock's own, and the number that it protects. */
export const LOCK = 0
export const COUNT = 1

/** Threads that each add one to a number under the lock, if they get it. */
export function adders(lock: Lock, threads: number, rest: Partial<ExploreOptions> = {}): ExploreOptions {
  return {
    memory: { lock: 0, count: 0 },
    threads: alike(threads, function* (me) {
      if (!(yield* lock.acquire(me))) return 0
      yield* addOne(COUNT)
      yield* lock.release(me)
      return 1
    }),
    final({ memory }, results) {
      const added = Object.values(results).filter((result) => result === 1).length
      return memory[COUNT] === added || 'an addition was lost'
    },
    ...rest,
  }
}
