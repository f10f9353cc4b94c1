import assert from 'node:assert/strict'
import type { Executor } from '../../executor.js'
import type { Claim } from '../claim.js'
import { isError, rejectionOf, rejects, same, turnsOfTheLoop } from '../observe.js'
import { add, addLater, fail, hold } from '../tasks.js'

async function refusesAll(executor: Executor): Promise<void> {
  await rejects(executor.run(add, [1, 2]), 'ClosedError', 'ERR_CLOSED')
  await rejects(executor.submitTask(add, [1, 2]), 'ClosedError', 'ERR_CLOSED')
}

export const ending: readonly Claim[] = [
  {
    name: 'drain: all that was accepted ends, running or queued; what comes later is refused with a ClosedError',
    async check(kit) {
      const executor = kit.create(1)
      const gate = kit.gate()
      const labels = ['running', 'queued', 'last']
      const accepted = labels.map((label) => executor.run(hold, [gate.dir, label]))
      await gate.begun('running')
      let hasEnded = false
      const drained = executor.drain().then(() => {
        hasEnded = true
      })
      await refusesAll(executor)
      await turnsOfTheLoop()
      assert.equal(hasEnded, false)
      gate.open()
      same(await Promise.all(accepted), labels)
      await drained
      await refusesAll(executor)
    },
  },
  {
    name: 'drain: results and failures that nobody took stay',
    async check(kit) {
      const executor = kit.create(1)
      const good = await executor.submitTask(add, [1, 2])
      const bad = await executor.submitTask(fail, ['custom'])
      await executor.drain()
      assert.equal(await executor.getTaskResult(good), 3)
      await rejects(executor.getTaskResult(bad), 'OrderError', 'ERR_ORDER')
      assert.equal((await executor.waitForAllTasks()).size, 0)
    },
  },
  {
    name: 'terminate: what is queued or running rejects with a ClosedError that has the reason for its cause',
    async check(kit) {
      const executor = kit.create(1)
      const gate = kit.gate()
      const labels = ['running', 'queued', 'last']
      const rejections = Promise.all(labels.map((label) => rejectionOf(executor.run(hold, [gate.dir, label]))))
      const id = await executor.submitTask(hold, [gate.dir, 'submitted'])
      await gate.begun('running')
      const reason = new Error('no time')
      const terminated = executor.terminate(reason)
      // The gate is closed: they cannot have ended by themselves.
      for (const error of [...(await rejections), await rejectionOf(executor.getTaskResult(id))])
        assert.equal(isError(error, 'ClosedError', 'ERR_CLOSED').cause, reason)
      gate.open()
      await terminated
      await refusesAll(executor)
      same(gate.log(), ['running'])
    },
  },
  {
    name: 'terminate: without a reason there is no cause, and results that were there stay',
    async check(kit) {
      const executor = kit.create(1)
      const gate = kit.gate()
      const done = await executor.submitTask(add, [1, 2])
      await executor.onIdle()
      const held = rejectionOf(executor.run(hold, [gate.dir, 'held']))
      await gate.begun('held')
      const terminated = executor.terminate()
      assert.equal(isError(await held, 'ClosedError', 'ERR_CLOSED').cause, undefined)
      gate.open()
      await terminated
      assert.equal(await executor.getTaskResult(done), 3)
    },
  },
  {
    name: 'terminate: during drain it ends what that waits for, and both resolve',
    async check(kit) {
      const executor = kit.create(1)
      const gate = kit.gate()
      const held = rejectionOf(executor.run(hold, [gate.dir, 'held']))
      const queued = rejectionOf(executor.run(hold, [gate.dir, 'queued']))
      await gate.begun('held')
      const drained = executor.drain()
      const terminated = executor.terminate()
      for (const error of [await held, await queued]) isError(error, 'ClosedError', 'ERR_CLOSED')
      gate.open()
      await Promise.all([drained, terminated])
      same(gate.log(), ['held'])
    },
  },
  {
    name: 'drain and terminate: they resolve in any order, again and together, the executor used or not',
    async check(kit) {
      const ways = ['drain', 'terminate'] as const
      for (const first of ways)
        for (const second of ways) {
          const executor = kit.create(1)
          if (first !== second) assert.equal(await executor.run(add, [1, 2]), 3)
          same(await Promise.all([executor[first](), executor[second]()]), [undefined, undefined])
          assert.equal(await executor[second](), undefined)
          assert.equal(await executor[first](), undefined)
          await refusesAll(executor)
        }
    },
  },
  {
    name: 'await using: an executor that leaves its scope has let its tasks end',
    async check(kit) {
      let left: Executor
      let sum: Promise<number>
      {
        await using executor = kit.create(1)
        left = executor
        sum = executor.run(addLater, [1, 2])
      }
      assert.equal(await sum, 3)
      await refusesAll(left)
    },
  },
]
