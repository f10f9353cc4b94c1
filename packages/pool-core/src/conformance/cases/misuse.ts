import assert from 'node:assert/strict'
import type { RunOptions, WaitOptions } from '../../executor.js'
import type { Task } from '../../tasks/define-task.js'
import type { Claim } from '../claim.js'
import { Input } from '../input.js'
import { isError, refusalOf, same } from '../observe.js'
import { add, log, square } from '../tasks.js'

type Refused = readonly [what: unknown, name: string, code: string]

const badArgument = (what: unknown): Refused => [what, 'TypeError', 'ERR_INVALID_ARG']
const badValue = (what: unknown): Refused => [what, 'RangeError', 'ERR_OUT_OF_RANGE']

const badWaits: readonly Refused[] = [
  badArgument(7),
  badArgument(null),
  badArgument({ timeout: '10' }),
  badArgument({ signal: {} }),
  badArgument({ signal: null }),
  badValue({ timeout: -1 }),
  badValue({ timeout: Number.NaN }),
]
const badRuns: readonly Refused[] = [
  ...badWaits,
  badArgument({ priority: 'high' }),
  badValue({ priority: Number.NaN }),
  badValue({ priority: Number.POSITIVE_INFINITY }),
]
const badMaps: readonly Refused[] = [
  ...badWaits,
  badArgument({ concurrency: '2' }),
  badArgument({ ordered: 'yes' }),
  badValue({ concurrency: 0 }),
  badValue({ concurrency: 1.5 }),
  badValue({ concurrency: Number.NaN }),
]

export const misuse: readonly Claim[] = [
  {
    name: 'misuse: bad options of run and submitTask are refused by code, and nothing runs',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      for (const [bad, name, code] of badRuns) {
        const options = bad as RunOptions
        isError(await refusalOf(() => executor.run(log, [gate.dir, 'never'], options)), name, code)
        isError(await refusalOf(() => executor.submitTask(log, [gate.dir, 'never'], options)), name, code)
      }
      await executor.run(log, [gate.dir, 'next'])
      same(gate.log(), ['next'])
      assert.equal((await executor.waitForAllTasks()).size, 0)
    },
  },
  {
    name: 'misuse: what is no task, or no list of arguments, is refused',
    async check(kit) {
      const executor = kit.executor(1)
      for (const bad of [undefined, null, 7, 'add', {}]) {
        const task = bad as unknown as Task<() => void>
        isError(await refusalOf(() => executor.run(task, [])), 'TypeError', 'ERR_INVALID_ARG')
        isError(await refusalOf(() => executor.submitTask(task, [])), 'TypeError', 'ERR_INVALID_ARG')
        isError(await refusalOf(() => executor.map(task, [1]).next()), 'TypeError', 'ERR_INVALID_ARG')
      }
      for (const bad of [null, 7, 'text']) {
        const args = bad as unknown as [number, number]
        isError(await refusalOf(() => executor.run(add, args)), 'TypeError', 'ERR_INVALID_ARG')
        isError(await refusalOf(() => executor.submitTask(add, args)), 'TypeError', 'ERR_INVALID_ARG')
      }
      assert.equal(await executor.run(add, [1, 2]), 3)
    },
  },
  {
    name: 'misuse: bad options of the waits are refused by code, and nothing is taken',
    async check(kit) {
      const executor = kit.executor(1)
      const id = await executor.submitTask(add, [1, 2])
      await executor.onIdle()
      for (const [bad, name, code] of badWaits) {
        const options = bad as WaitOptions
        isError(await refusalOf(() => executor.getTaskResult(id, options)), name, code)
        isError(await refusalOf(() => executor.waitForAllTasks(options)), name, code)
        isError(await refusalOf(() => executor.asCompleted(options).next()), name, code)
        isError(await refusalOf(() => executor.onIdle(options)), name, code)
      }
      assert.equal(await executor.getTaskResult(id), 3)
    },
  },
  {
    name: 'misuse: bad options of map are refused by code, and nothing is pulled',
    async check(kit) {
      const executor = kit.executor(1)
      const input = new Input((index) => index)
      for (const [bad, name, code] of badMaps) {
        const options = bad as { concurrency?: number }
        isError(await refusalOf(() => executor.map(square, input, options).next()), name, code)
      }
      assert.equal(input.pulled, 0)
    },
  },
  {
    name: 'misuse: what cannot be iterated is refused by map',
    async check(kit) {
      const executor = kit.executor(1)
      for (const bad of [undefined, null, 7, {}, { next: () => undefined }]) {
        const items = bad as unknown as number[]
        isError(await refusalOf(() => executor.map(square, items).next()), 'TypeError', 'ERR_INVALID_ARG')
      }
    },
  },
]
