import { AsyncTaskManager } from '@heddle/async-patterns'
import { defineTask, type Executor } from '@heddle/pool-core'
import { expect, test } from '@jest/globals'

const add = defineTask(import.meta.url, 'add', (...numbers: number[]) => numbers.reduce((sum, each) => sum + each, 0))

test('AsyncTaskManager keeps the contract of the executors, though it imports nothing of them', async () => {
  // The assignment is what is claimed: the compiler refuses it when the contract and the class differ.
  const executor: Executor = new AsyncTaskManager()
  expect(await executor.run(add, [1, 2, 3])).toBe(6)
  const id = await executor.submitTask(add, [4, 5])
  expect(await executor.getTaskResult(id)).toBe(9)
  const late = await executor.submitTask(add, [])
  expect(await executor.waitForAllTasks()).toEqual(new Map([[late, { status: 'success', result: 0 }]]))
  const double = defineTask(import.meta.url, 'double', (item: number) => 2 * item)
  const doubled: number[] = []
  for await (const result of executor.map(double, [1, 2, 3])) doubled.push(result)
  expect(doubled).toEqual([2, 4, 6])
  await executor.drain()
  await expect(executor.run(add, [1])).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  await executor.terminate()
})
