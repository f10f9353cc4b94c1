import { expect, test } from '@jest/globals'
import { batchProcessorModel } from './verify/batch-processor.ts'

test('does in every order of calls, completions, failures, aborts and timers what the naive processor does', async () => {
  await expect(batchProcessorModel({ runs: 200 })).resolves.toBeUndefined()
})
