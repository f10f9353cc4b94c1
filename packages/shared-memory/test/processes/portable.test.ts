import { Segment } from '@heddle/shared-memory'
import { afterAll, describe, expect, test } from '@jest/globals'
import { cases } from '../../../sync-primitives/test/portable/index.js'
import { endProcesses, runWithProcesses, runWithThreads } from '../support/portable.js'

const segment = Segment.create({ size: 1 << 23 })

afterAll(async () => {
  await endProcesses()
  segment.close()
})

// What needs another thread needs another process here.
describe.each([
  ['a segment and threads of one process', runWithThreads],
  ['a segment and other processes', runWithProcesses],
])('the portable cases hold on %s', (_, run) => {
  test.each(cases.map((each) => [each.name, each] as const))('%s', async (_, each) => {
    await expect(run(each, segment)).resolves.toBeUndefined()
  })
})
