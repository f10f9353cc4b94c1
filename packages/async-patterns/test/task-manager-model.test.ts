import { expect, test } from '@jest/globals'
import { taskManagerModel } from './verify/task-manager.ts'

test('does in every order of calls what the naive manager does', async () => {
  await expect(taskManagerModel({ runs: 150 })).resolves.toBeUndefined()
})
