import { AsyncTaskManager } from '@heddle/async-patterns'
import type { Executor } from '@heddle/pool-core'
import { executorCases } from '@heddle/pool-core/conformance'
import { describe, expect, test } from '@jest/globals'

const cases = executorCases({
  // The type of the result is claimed, too: the compiler refuses it when the contract and the class differ.
  create: ({ concurrency, maxResults }): Executor =>
    new AsyncTaskManager({ maxConcurrent: concurrency, maxQueued: Number.POSITIVE_INFINITY, maxResults }),
  traits: { isolated: false, endsLoops: false },
})

describe('AsyncTaskManager keeps the contract of the executors, though it imports nothing of them', () => {
  test.each(cases)(
    '$name',
    async ({ run }) => {
      expect(await run()).toBeUndefined()
    },
    50_000,
  )
})
