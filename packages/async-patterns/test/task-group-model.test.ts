import { expect, test } from '@jest/globals'
import { taskGroupModel } from './verify/task-group.ts'

test('does in every order of starts, endings, cancellations, joins and times what the naive group does', async () => {
  await expect(taskGroupModel({ runs: 150 })).resolves.toBeUndefined()
})
