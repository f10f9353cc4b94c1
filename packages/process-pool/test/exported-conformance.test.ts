import { executorCases } from '@heddle/pool-core/conformance'
import { ProcessPoolManager } from '@heddle/process-pool'
import { expect, test } from '@jest/globals'

const cases = executorCases({
  create: ({ concurrency, maxResults }) => new ProcessPoolManager({ maxWorkers: concurrency, maxResults }),
  traits: { isolated: true, endsLoops: true },
})

test.each(cases)(
  '$name',
  async ({ run }) => {
    expect(await run()).toBeUndefined()
  },
  50_000,
)
