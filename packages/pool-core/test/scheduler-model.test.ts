import { expect, test } from '@jest/globals'
import { schedulerModel } from './verify/scheduler.ts'

test('whatever happens in whatever order, each run settles once, none begins twice that may not, and nothing is left', async () => {
  expect(await schedulerModel({ runs: 300 })).toBeUndefined()
})
