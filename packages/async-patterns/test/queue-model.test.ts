import { expect, test } from '@jest/globals'
import { queueModel } from './verify/queue.ts'

test('does in every order of calls what the naive queue does', async () => {
  await expect(queueModel({ runs: 150 })).resolves.toBeUndefined()
})
