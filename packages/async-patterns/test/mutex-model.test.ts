import { expect, test } from '@jest/globals'
import { mutexModel } from './verify/mutex.ts'

test('does in every order of calls what the naive mutex does', async () => {
  await expect(mutexModel({ runs: 150 })).resolves.toBeUndefined()
})
