import assert from 'node:assert/strict'
import type { Claim } from '../claim.js'
import { isError, refusalOf, rejectionOf, rejects, same } from '../observe.js'
import { add, fail, hold, log } from '../tasks.js'

export const cancelling: readonly Claim[] = [
  {
    name: 'cancelTask: a queued task never runs, and its result is an AbortError, or the reason that was given',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      const held = executor.run(hold, [gate.dir, 'held'])
      await gate.begun('held')
      const ids = await Promise.all([0, 1, 2].map(() => executor.submitTask(log, [gate.dir, 'never'])))
      const [plain = '', own = '', nothing = ''] = ids
      const reason = new RangeError('mine')
      same(
        [executor.cancelTask(plain), executor.cancelTask(own, reason), executor.cancelTask(nothing, null)],
        [true, true, true],
      )
      await rejects(executor.getTaskResult(plain), 'AbortError')
      assert.equal(await rejectionOf(executor.getTaskResult(own)), reason)
      assert.equal(await rejectionOf(executor.getTaskResult(nothing)), null)
      gate.open()
      await held
      await executor.run(log, [gate.dir, 'next'])
      same(gate.log(), ['held', 'next'])
    },
  },
  {
    name: 'cancelTask: a running task rejects at once, with an AbortError or the very reason',
    async check(kit) {
      const executor = kit.executor(2)
      const gate = kit.gate()
      const labels = ['one', 'other']
      const [one = '', other = ''] = await Promise.all(
        labels.map((label) => executor.submitTask(hold, [gate.dir, label])),
      )
      await gate.begun(...labels)
      const results = Promise.all([one, other].map((id) => rejectionOf(executor.getTaskResult(id))))
      same([executor.cancelTask(one), executor.cancelTask(other, 'enough')], [true, true])
      // The gate is closed: it cannot be that they were waited for.
      const [error, reason] = await results
      isError(error, 'AbortError')
      assert.equal(reason, 'enough')
      gate.open()
      assert.equal(await executor.run(add, [1, 2]), 3)
    },
  },
  {
    name: 'cancelTask: nothing is there to cancel in a task that has settled or was cancelled, nor in an unknown id; no id is refused',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      const good = await executor.submitTask(add, [1, 2])
      const bad = await executor.submitTask(fail, ['range'])
      await executor.onIdle()
      const held = executor.run(hold, [gate.dir, 'held'])
      await gate.begun('held')
      const gone = await executor.submitTask(log, [gate.dir, 'never'])
      same([executor.cancelTask(gone, 'first'), executor.cancelTask(gone, 'second')], [true, false])
      for (const id of [good, bad, gone, 'no such task', '']) assert.equal(executor.cancelTask(id, 'late'), false)
      gate.open()
      await held
      assert.equal(await executor.getTaskResult(good), 3)
      assert.equal(executor.cancelTask(good), false)
      await rejects(executor.getTaskResult(bad), 'RangeError')
      assert.equal(await rejectionOf(executor.getTaskResult(gone)), 'first')
      for (const odd of [undefined, null, 7, {}])
        isError(await refusalOf(() => executor.cancelTask(odd as unknown as string)), 'TypeError', 'ERR_INVALID_ARG')
    },
  },
]
