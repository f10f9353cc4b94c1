import { expect, test } from '@jest/globals'
import { semaphoreModel } from './verify/semaphore.ts'

test('does in every order of calls what the naive semaphore does, and serves in its order', async () => {
  await expect(semaphoreModel({ runs: 150 })).resolves.toBeUndefined()
})
