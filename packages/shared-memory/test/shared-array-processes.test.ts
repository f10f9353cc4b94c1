import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Segment, SharedArray, SharedValue } from '@heddle/shared-memory'
import { expect, test } from '@jest/globals'

const child = new URL('./fixtures/array-child.mjs', import.meta.url)

/** A process of its own; its handles go as JSON. */
async function inProcess(message: object): Promise<unknown> {
  const process = fork(child, { serialization: 'json' })
  process.send(message)
  const [[answer]] = await Promise.all([once(process, 'message'), once(process, 'exit')])
  return answer
}

/** What three processes make of it, which run that often, and this one beside them. */
async function runWorkers(times: number, beside: (value: SharedValue<'int32'>) => Promise<void>) {
  using segment = Segment.create({ size: 1 })
  const options = { memory: segment }
  const [array, value] = [new SharedArray('i', 10, options), new SharedValue('i', 0, options)]
  const counted = new SharedValue('d', 0, options)
  const handles = { array: array.toHandle(), value: value.toHandle(), counted: counted.toHandle() }
  const workers = [0, 1, 2].map((workerId) => inProcess({ workerId, times, ...handles }))
  await beside(value)
  await Promise.all(workers)
  return { array: [...array], value: value.value, counted: counted.value }
}

test("the Python document's three workers as processes end at 30 and 9, 19, 29", async () => {
  const { array, value } = await runWorkers(10, async () => {})
  expect(value).toBe(30)
  expect(array).toEqual([9, 19, 29, 0, 0, 0, 0, -3, -2, -1])
})

test('four processes add under the lock, and others without it, and lose nothing', async () => {
  const times = 3_000
  const { value, counted } = await runWorkers(times, async (shared) => {
    // Awaits, while the others block: it is one lock.
    for (let i = 0; i < times; i++)
      await shared.getLock().runExclusive(() => {
        shared.value += 1
      })
  })
  expect(value).toBe(4 * times)
  expect(counted).toBe((3 * times) / 2)
})
