import assert from 'node:assert/strict'
import process from 'node:process'
import type { Claim } from '../claim.js'
import { isError, listenersOf, rejectionOf, rejects, same, turnsOfTheLoop } from '../observe.js'
import { add, failLater, hold, square } from '../tasks.js'

export const submitted: readonly Claim[] = [
  {
    name: 'submitTask: each task has an id of its own, a string, given before it is done or has even begun',
    async check(kit) {
      const executor = kit.executor(1)
      const ids = await Promise.all(Array.from({ length: 50 }, (_, n) => executor.submitTask(square, [n])))
      for (const id of ids) assert.equal(typeof id, 'string')
      assert.equal(new Set(ids).size, 50)
      same(
        await Promise.all(ids.map((id) => executor.getTaskResult(id))),
        ids.map((_, n) => n ** 2),
      )
      const gate = kit.gate()
      const running = await executor.submitTask(hold, [gate.dir, 'running'])
      const queued = await executor.submitTask(hold, [gate.dir, 'queued'])
      await gate.begun('running')
      same(gate.log(), ['running'])
      gate.open()
      assert.equal(await executor.getTaskResult(queued), 'queued')
      assert.equal(await executor.getTaskResult(running), 'running')
    },
  },
  {
    name: 'getTaskResult: a wait that times out, not before its time, leaves the task and its result alone; 0 looks once',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      const id = await executor.submitTask(hold, [gate.dir, 'held'])
      await gate.begun('held')
      for (const timeout of [0, 25]) {
        const begun = performance.now()
        await rejects(executor.getTaskResult(id, { timeout }), 'TimeoutError', 'ERR_TIMEOUT')
        const waited = performance.now() - begun
        assert.ok(waited >= timeout, `it waited ${waited} of ${timeout} ms`)
      }
      gate.open()
      assert.equal(await executor.getTaskResult(id, { timeout: Number.POSITIVE_INFINITY }), 'held')
      const done = await executor.submitTask(add, [1, 2])
      await executor.onIdle()
      assert.equal(await executor.getTaskResult(done, { timeout: 0 }), 3)
    },
  },
  {
    name: 'getTaskResult: a signal ends the wait with its very reason, and leaves task, result and no listener behind',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      const id = await executor.submitTask(hold, [gate.dir, 'held'])
      const controller = new AbortController()
      const { signal } = controller
      const waiting = rejectionOf(executor.getTaskResult(id, { signal }))
      await gate.begun('held')
      controller.abort(null)
      assert.equal(await waiting, null)
      assert.equal(listenersOf(signal), 0)
      assert.equal(await rejectionOf(executor.getTaskResult(id, { signal })), null)
      const unused = new AbortController().signal
      const taking = executor.getTaskResult(id, { signal: unused })
      gate.open()
      assert.equal(await taking, 'held')
      assert.equal(listenersOf(unused), 0)
    },
  },
  {
    name: 'getTaskResult: a result is taken once; afterwards, as of an id that never was, the task is unknown; no id is refused',
    async check(kit) {
      const executor = kit.executor(1)
      const id = await executor.submitTask(add, [1, 2])
      assert.equal(await executor.getTaskResult(id), 3)
      for (const unknown of [id, 'no such task', ''])
        await rejects(executor.getTaskResult(unknown), 'TaskError', 'ERR_UNKNOWN_TASK')
      for (const odd of [undefined, null, 7, Symbol('task'), {}])
        await rejects(executor.getTaskResult(odd as string), 'TypeError', 'ERR_INVALID_ARG')
    },
  },
  {
    name: 'getTaskResult: all that wait for one task get its result, or its failure',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      const held = await executor.submitTask(hold, [gate.dir, 'held'])
      const failing = await executor.submitTask(failLater, ['range'])
      const results = Promise.all([executor.getTaskResult(held), executor.getTaskResult(held)])
      const failures = Promise.all([failing, failing].map((id) => rejectionOf(executor.getTaskResult(id))))
      gate.open()
      same(await results, ['held', 'held'])
      for (const error of await failures) isError(error, 'RangeError')
    },
  },
  {
    name: 'getTaskResult: as many untaken results as `maxResults` stay; of more, the one that settled first is dropped',
    async check(kit) {
      const executor = kit.create(1, 2)
      const [first = '', second = '', third = ''] = await Promise.all(
        [1, 2, 3].map((n) => executor.submitTask(square, [n])),
      )
      await executor.onIdle()
      await rejects(executor.getTaskResult(first), 'TaskError', 'ERR_UNKNOWN_TASK')
      same([await executor.getTaskResult(second), await executor.getTaskResult(third)], [4, 9])
      assert.equal(executor.stats().droppedResults, 1)
    },
  },
  {
    name: 'getTaskResult: a failure that nobody takes is no unhandled rejection',
    async check(kit) {
      const executor = kit.executor(1)
      // Under jest, whose `process` is a copy that hears of none, jest itself fails the case.
      const unhandled: unknown[] = []
      const note = (reason: unknown) => unhandled.push(reason)
      process.on('unhandledRejection', note)
      try {
        const failing = await executor.submitTask(failLater, ['custom'])
        const cancelled = await executor.submitTask(add, [1, 2])
        executor.cancelTask(cancelled)
        await executor.onIdle()
        await turnsOfTheLoop()
        same(unhandled.length, 0)
        await rejects(executor.getTaskResult(failing), 'OrderError', 'ERR_ORDER')
      } finally {
        process.off('unhandledRejection', note)
      }
    },
  },
]
