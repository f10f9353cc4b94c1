import assert from 'node:assert/strict'
import type { Claim } from '../claim.js'
import { isError, rejectionOf, rejects, same } from '../observe.js'
import { add, spin } from '../tasks.js'

export const loops: readonly Claim[] = [
  {
    name: 'endsLoops: a timeout ends a task that never yields, and the next one runs',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      const looping = executor.run(spin, [gate.dir, 'loop'], { timeout: 40 })
      const behind = executor.run(add, [1, 2])
      await rejects(looping, 'TimeoutError', 'ERR_TIMEOUT')
      assert.equal(await behind, 3)
    },
  },
  {
    name: 'endsLoops: so does a signal',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      const controller = new AbortController()
      const looping = rejectionOf(executor.run(spin, [gate.dir, 'loop'], { signal: controller.signal }))
      const behind = executor.run(add, [1, 2])
      await gate.begun('loop')
      controller.abort('enough')
      assert.equal(await looping, 'enough')
      assert.equal(await behind, 3)
    },
  },
  {
    name: 'endsLoops: so does cancelTask',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      const id = await executor.submitTask(spin, [gate.dir, 'loop'])
      const behind = executor.run(add, [1, 2])
      await gate.begun('loop')
      assert.equal(executor.cancelTask(id), true)
      await rejects(executor.getTaskResult(id), 'AbortError')
      assert.equal(await behind, 3)
    },
  },
  {
    name: 'endsLoops: terminate ends all that never yield, and what waits behind them never begins',
    async check(kit) {
      const executor = kit.create(2)
      const gate = kit.gate()
      const labels = ['one', 'two', 'three', 'four']
      const rejections = Promise.all(labels.map((label) => rejectionOf(executor.run(spin, [gate.dir, label]))))
      await gate.begun('one', 'two')
      await executor.terminate()
      for (const error of await rejections) isError(error, 'ClosedError', 'ERR_CLOSED')
      same(gate.log().toSorted(), ['one', 'two'])
    },
  },
]
