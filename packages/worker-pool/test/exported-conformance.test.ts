import { executorCases } from '@heddle/pool-core/conformance'
import { ThreadPoolManager } from '@heddle/worker-pool'
import { expect, test } from '@jest/globals'

const cases = executorCases({
  create: ({ concurrency, maxResults }) => new ThreadPoolManager({ maxWorkers: concurrency, maxResults }),
  traits: { isolated: true, endsLoops: true },
})

test.each(cases)(
  '$name',
  async ({ run }) => {
    expect(await run()).toBeUndefined()
  },
  50_000,
)
