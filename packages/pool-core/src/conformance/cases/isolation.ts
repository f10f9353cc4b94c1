import assert from 'node:assert/strict'
import type { Claim } from '../claim.js'
import { isError, rejectionOf, rejects, same } from '../observe.js'
import { add, echo, exit, log, make, mark } from '../tasks.js'

export const isolation: readonly Claim[] = [
  {
    name: 'isolated: arguments and results are copies: what a task does to them is not seen',
    async check(kit) {
      const executor = kit.executor(1)
      const list = ['mine']
      same(await executor.run(mark, [list]), ['mine', 'marked'])
      same(list, ['mine'])
      const value = { mine: true }
      assert.notEqual(await executor.run(echo, [value]), value)
    },
  },
  {
    name: 'isolated: a task that ends what it runs in rejects with ERR_WORKER_CRASHED, and the next one runs; drain waits for it',
    async check(kit) {
      const executor = kit.create(1)
      const crash = rejectionOf(executor.run(exit, [3]))
      const behind = executor.run(add, [1, 2])
      isError(await crash, 'BrokenError', 'ERR_WORKER_CRASHED')
      assert.equal(await behind, 3)
      const id = await executor.submitTask(exit, [0])
      const last = executor.run(add, [3, 4])
      await executor.drain()
      await rejects(executor.getTaskResult(id), 'BrokenError', 'ERR_WORKER_CRASHED')
      assert.equal(await last, 7)
    },
  },
  {
    name: 'isolated: an argument that cannot be copied is refused, and nothing runs; a result is the failure of its task',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      const bad = (() => undefined) as unknown as string
      await rejects(executor.run(log, [gate.dir, bad]), 'NotCloneableError', 'ERR_NOT_CLONEABLE')
      await rejects(executor.submitTask(log, [gate.dir, bad]), 'NotCloneableError', 'ERR_NOT_CLONEABLE')
      for (const kind of ['function', 'nested'] as const)
        await rejects(executor.run(make, [kind]), 'NotCloneableError', 'ERR_NOT_CLONEABLE')
      await executor.run(log, [gate.dir, 'next'])
      same(gate.log(), ['next'])
    },
  },
  {
    name: 'isolated: in a map, an item that crashes or cannot be copied fails in its place',
    async check(kit) {
      const executor = kit.executor(1)
      const results = executor.map(echo, [0, () => undefined])
      same((await results.next()).value, 0)
      await rejects(results.next(), 'NotCloneableError', 'ERR_NOT_CLONEABLE')
      await rejects(executor.map(exit, [6, 6]).next(), 'BrokenError', 'ERR_WORKER_CRASHED')
      assert.equal(await executor.run(add, [1, 2]), 3)
    },
  },
]
