import assert from 'node:assert/strict'
import type { Claim } from '../claim.js'
import { isError, listenersOf, rejectionOf, rejects, same, turnsOfTheLoop, until } from '../observe.js'
import { add, fail, hold, log, square } from '../tasks.js'

export const queueing: readonly Claim[] = [
  {
    name: 'pause: tasks are taken on and none begins, what runs goes on; resumed they begin in their order',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      const held = executor.run(hold, [gate.dir, 'held'])
      await gate.begun('held')
      executor.pause()
      executor.pause()
      const labels = ['a', 'b', 'c']
      const ids = await Promise.all(labels.map((label) => executor.submitTask(log, [gate.dir, label])))
      const mapped = executor.map(square, [3]).toArray()
      gate.open()
      assert.equal(await held, 'held')
      await turnsOfTheLoop()
      same(gate.log(), ['held'])
      assert.equal(executor.stats().running, 0)
      executor.resume()
      same([...(await executor.waitForAllTasks()).keys()], ids)
      same(await mapped, [9])
      same(gate.log(), ['held', ...labels])
    },
  },
  {
    name: 'pause: a task that is aborted meanwhile rejects; drain resumes, and terminate ends what is held back',
    async check(kit) {
      const [executor, ended] = [kit.create(1), kit.create(1)]
      ended.pause()
      const lost = rejectionOf(ended.run(add, [1, 2]))
      await ended.terminate()
      isError(await lost, 'ClosedError', 'ERR_CLOSED')
      executor.pause()
      const controller = new AbortController()
      const aborted = rejectionOf(executor.run(add, [1, 2], { signal: controller.signal }))
      const kept = executor.run(add, [3, 4])
      controller.abort('enough')
      assert.equal(await aborted, 'enough')
      await executor.drain()
      assert.equal(await kept, 7)
    },
  },
  {
    name: 'onIdle: it resolves at once when nothing is there, else when the last one has settled, however it has',
    async check(kit) {
      const executor = kit.executor(1)
      await executor.onIdle()
      await executor.onIdle({ timeout: 0 })
      const gate = kit.gate()
      const settled: string[] = []
      const held = executor.run(hold, [gate.dir, 'held']).then(() => settled.push('held'))
      const failing = executor.run(fail, ['range']).catch(() => settled.push('failed'))
      const idle = executor.onIdle().then(() => settled.push('idle'))
      await gate.begun('held')
      same(settled, [])
      gate.open()
      await Promise.all([held, failing, idle])
      same(settled, ['held', 'failed', 'idle'])
    },
  },
  {
    name: 'onIdle: timeout and signal end the wait, not before its time, and leave no listener',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      const held = executor.run(hold, [gate.dir, 'held'])
      for (const timeout of [0, 25]) {
        const begun = performance.now()
        await rejects(executor.onIdle({ timeout }), 'TimeoutError', 'ERR_TIMEOUT')
        const waited = performance.now() - begun
        assert.ok(waited >= timeout, `it waited ${waited} of ${timeout} ms`)
      }
      const controller = new AbortController()
      const waiting = rejectionOf(executor.onIdle({ signal: controller.signal }))
      controller.abort(null)
      assert.equal(await waiting, null)
      assert.equal(listenersOf(controller.signal), 0)
      gate.open()
      assert.equal(await held, 'held')
      await executor.onIdle({ timeout: Number.POSITIVE_INFINITY })
    },
  },
  {
    name: 'stats: what runs and what is queued is counted now',
    async check(kit) {
      const executor = kit.create(2)
      const gate = kit.gate()
      const counts = () => {
        const { running, queued } = executor.stats()
        return { running, queued }
      }
      same(counts(), { running: 0, queued: 0 })
      const runs = ['a', 'b', 'c'].map((label) => executor.run(hold, [gate.dir, label]))
      await gate.begun('a', 'b')
      // One that is with a worker already counts as running, though it has not begun.
      const { running, queued } = counts()
      assert.ok(running >= 2, `${running} run`)
      assert.equal(running + queued, 3)
      gate.open()
      await Promise.all(runs)
      await executor.onIdle()
      same(counts(), { running: 0, queued: 0 })
    },
  },
  {
    name: 'stats: each task is counted once by what became of it, the items of maps too',
    async check(kit) {
      const executor = kit.create(1)
      const gate = kit.gate()
      const outcomes = () => {
        const { succeeded, failed, cancelled, timedOut, dropped, refused, droppedResults } = executor.stats()
        return { succeeded, failed, cancelled, timedOut, dropped, refused, droppedResults }
      }
      const none = { succeeded: 0, failed: 0, cancelled: 0, timedOut: 0, dropped: 0, refused: 0, droppedResults: 0 }
      same(outcomes(), none)
      await executor.getTaskResult(await executor.submitTask(add, [1, 2]))
      same(await executor.map(square, [4, 5]).toArray(), [16, 25])
      await Promise.allSettled([executor.run(fail, ['range']), executor.run(fail, ['null'])])
      await rejects(executor.run(hold, [gate.dir, 'late'], { timeout: 20 }), 'TimeoutError')
      const queued = await executor.submitTask(hold, [gate.dir, 'cancelled'])
      executor.cancelTask(queued)
      gate.open()
      await executor.run(add, [3, 4])
      await executor.drain()
      await rejectionOf(executor.run(add, [1, 2]))
      same(outcomes(), { ...none, succeeded: 4, failed: 2, cancelled: 1, timedOut: 1, refused: 1 })
    },
  },
  {
    name: 'stats: the times of all that have run are told as percentiles that do not fall',
    async check(kit) {
      const executor = kit.create(1)
      same([executor.stats().waitTimes.count, executor.stats().runTimes.count], [0, 0])
      await Promise.all(Array.from({ length: 10 }, (_, n) => executor.run(square, [n])))
      await executor.onIdle()
      const counts = () => [executor.stats().waitTimes.count, executor.stats().runTimes.count]
      await until(() => counts().every((times) => times === 10), 'ten times')
      for (const { p50, p90, p99, max, mean } of [executor.stats().waitTimes, executor.stats().runTimes]) {
        const rising = [p50, p90, p99, max].every((time, index, all) => time >= (all[index - 1] ?? 0))
        assert.ok(rising, `${p50}, ${p90}, ${p99}, ${max} do not rise`)
        assert.ok(mean <= max, `the mean ${mean} is more than the longest ${max}`)
      }
    },
  },
]
