import assert from 'node:assert/strict'
import type { Claim } from '../claim.js'
import { listenersOf, pass, rejectionOf, rejects, same, slack } from '../observe.js'
import { add, addLater, hold, log, square } from '../tasks.js'

export const limits: readonly Claim[] = [
  {
    name: 'timeout: a task that takes longer rejects with a TimeoutError, not before its time, and the next one runs',
    async check(kit) {
      const executor = kit.executor(1)
      await executor.run(add, [0, 0])
      for (const timeout of [0, 40]) {
        const gate = kit.gate()
        const begun = performance.now()
        await rejects(executor.run(hold, [gate.dir, 'held'], { timeout }), 'TimeoutError', 'ERR_TIMEOUT')
        const waited = performance.now() - begun
        assert.ok(waited >= timeout, `it waited ${waited} of ${timeout} ms`)
        assert.ok(waited < timeout + slack, `it waited ${waited} ms for ${timeout}`)
        gate.open()
      }
      assert.equal(await executor.run(add, [1, 2]), 3)
    },
  },
  {
    name: 'timeout: it counts from the start of the task, not while that is queued, and Infinity is none',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      const held = executor.run(hold, [gate.dir, 'held'], { timeout: Number.POSITIVE_INFINITY })
      const timeout = 400
      const queued = executor.run(addLater, [1, 2], { timeout })
      await gate.begun('held')
      await pass(timeout + 50)
      gate.open()
      same(await Promise.all([held, queued]), ['held', 3])
    },
  },
  {
    name: 'signal: a queued task that is aborted rejects at once, never runs, and the others keep their order; so if it had before',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      const controller = new AbortController()
      const signal = AbortSignal.abort(new Error('before'))
      assert.equal(await rejectionOf(executor.run(log, [gate.dir, 'never'], { signal })), signal.reason)
      assert.equal(await rejectionOf(executor.submitTask(log, [gate.dir, 'never'], { signal })), signal.reason)
      const held = executor.run(hold, [gate.dir, 'held'])
      const before = executor.run(log, [gate.dir, 'before'])
      const aborted = rejectionOf(executor.run(log, [gate.dir, 'aborted'], { signal: controller.signal }))
      const after = executor.run(log, [gate.dir, 'after'])
      await gate.begun('held')
      controller.abort()
      assert.equal(await aborted, controller.signal.reason)
      same(gate.log(), ['held'])
      gate.open()
      await Promise.all([held, before, after])
      same(gate.log(), ['held', 'before', 'after'])
    },
  },
  {
    name: 'signal: a running task that is aborted rejects at once, and the next one runs',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      const controller = new AbortController()
      const running = rejectionOf(executor.run(hold, [gate.dir, 'running'], { signal: controller.signal }))
      const behind = executor.run(add, [1, 2])
      await gate.begun('running')
      controller.abort()
      assert.equal(await running, controller.signal.reason)
      gate.open()
      assert.equal(await behind, 3)
    },
  },
  {
    name: 'signal: the reason arrives as it is, whatever it is, and an abort after the end changes nothing',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      const over = new AbortController()
      const done = await executor.submitTask(add, [1, 2], { signal: over.signal })
      await executor.onIdle()
      over.abort()
      assert.equal(await executor.getTaskResult(done), 3)
      const held = executor.run(hold, [gate.dir, 'held'])
      await gate.begun('held')
      for (const reason of [new RangeError('mine'), 'mine', null, 0, { mine: true }, () => undefined]) {
        const controller = new AbortController()
        const queued = rejectionOf(executor.run(log, [gate.dir, 'never'], { signal: controller.signal }))
        controller.abort(reason)
        assert.equal(await queued, reason)
      }
      gate.open()
      await held
    },
  },
  {
    name: 'signal: many tasks have one listener together, and none when they are over, however they ended',
    async check(kit) {
      const executor = kit.executor(2)
      const { signal } = new AbortController()
      const runs = Array.from({ length: 50 }, (_, n) => executor.run(square, [n], { signal }))
      assert.ok(listenersOf(signal) <= 1, `${listenersOf(signal)} listeners`)
      await Promise.all(runs)
      assert.equal(listenersOf(signal), 0)
      const gate = kit.gate()
      const controller = new AbortController()
      const held = Array.from({ length: 50 }, (_, n) =>
        rejectionOf(executor.run(hold, [gate.dir, String(n)], { signal: controller.signal })),
      )
      await gate.begun('0')
      controller.abort('enough')
      same(new Set(await Promise.all(held)), new Set(['enough']))
      assert.equal(listenersOf(controller.signal), 0)
    },
  },
  {
    name: 'priority: of those that are queued the higher begins first, equal ones in the order of submission',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      const held = executor.run(hold, [gate.dir, 'held'])
      await gate.begun('held')
      // A level is worth a second of waiting: these are worth far more than the case takes.
      const runs = [
        executor.run(log, [gate.dir, 'low'], { priority: -1_000 }),
        executor.run(log, [gate.dir, 'plain 1']),
        executor.submitTask(log, [gate.dir, 'high 1'], { priority: 1_000 }),
        executor.run(log, [gate.dir, 'plain 2'], { priority: 0 }),
        executor.run(log, [gate.dir, 'highest'], { priority: 2_000 }),
        executor.run(log, [gate.dir, 'high 2'], { priority: 1_000 }),
      ]
      gate.open()
      await Promise.all([held, ...runs])
      same(gate.log(), ['held', 'highest', 'high 1', 'high 2', 'plain 1', 'plain 2', 'low'])
    },
  },
]
