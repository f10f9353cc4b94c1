import assert from 'node:assert/strict'
import type { CompletedTask } from '../../executor.js'
import type { Claim } from '../claim.js'
import { collect, isError, listenersOf, rejectionOf, rejects, same } from '../observe.js'
import { add, addLater, echo, fail, hold, square } from '../tasks.js'

export const completing: readonly Claim[] = [
  {
    name: 'waitForAllTasks: a row for each task in the order of submission, failures as rows, and all are taken',
    async check(kit) {
      const executor = kit.executor(2)
      const later = await executor.submitTask(addLater, [1, 2])
      const failing = await executor.submitTask(fail, ['custom'])
      const nothing = await executor.submitTask(echo, [undefined])
      const rows = await executor.waitForAllTasks()
      same([...rows.keys()], [later, failing, nothing])
      same(rows.get(later), { status: 'success', result: 3 })
      same(rows.get(nothing), { status: 'success', result: undefined })
      const row = rows.get(failing)
      assert.equal(row?.status, 'error')
      isError(row.error, 'OrderError', 'ERR_ORDER')
      assert.equal((await executor.waitForAllTasks()).size, 0)
      await rejects(executor.getTaskResult(later), 'TaskError', 'ERR_UNKNOWN_TASK')
    },
  },
  {
    name: 'waitForAllTasks: one deadline for all; what is not done then is pending and keeps its id',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      const done = await executor.submitTask(add, [1, 2])
      const held = await Promise.all(['a', 'b'].map((label) => executor.submitTask(hold, [gate.dir, label])))
      await gate.begun('a')
      const begun = performance.now()
      const rows = await executor.waitForAllTasks({ timeout: 30 })
      const waited = performance.now() - begun
      assert.ok(waited >= 30, `it waited ${waited} of 30 ms`)
      same([...rows], [[done, { status: 'success', result: 3 }], ...held.map((id) => [id, { status: 'pending' }])])
      gate.open()
      same(
        [...(await executor.waitForAllTasks())],
        held.map((id, index) => [id, { status: 'success', result: ['a', 'b'][index] }]),
      )
    },
  },
  {
    name: 'waitForAllTasks: with timeout 0 it looks once; tasks submitted later are not waited for',
    async check(kit) {
      const executor = kit.executor(1)
      const [gate, other] = [kit.gate(), kit.gate()]
      const held = await executor.submitTask(hold, [gate.dir, 'held'])
      same([...(await executor.waitForAllTasks({ timeout: 0 }))], [[held, { status: 'pending' }]])
      const waiting = executor.waitForAllTasks()
      const later = await executor.submitTask(hold, [other.dir, 'later'])
      gate.open()
      same([...(await waiting)], [[held, { status: 'success', result: 'held' }]])
      other.open()
      assert.equal(await executor.getTaskResult(later), 'later')
    },
  },
  {
    name: 'waitForAllTasks: a signal ends the wait with its very reason, and nothing was taken',
    async check(kit) {
      const executor = kit.executor(1)
      const gate = kit.gate()
      const done = await executor.submitTask(add, [1, 2])
      const held = await executor.submitTask(hold, [gate.dir, 'held'])
      const controller = new AbortController()
      const waiting = rejectionOf(executor.waitForAllTasks({ signal: controller.signal }))
      await gate.begun('held')
      controller.abort('enough')
      assert.equal(await waiting, 'enough')
      assert.equal(listenersOf(controller.signal), 0)
      gate.open()
      same([await executor.getTaskResult(done), await executor.getTaskResult(held)], [3, 'held'])
    },
  },
  {
    name: 'asCompleted: tasks come as they settle, failures as rows, those submitted meanwhile too, and all are taken',
    async check(kit) {
      const executor = kit.executor(2)
      const gate = kit.gate()
      const held = await executor.submitTask(hold, [gate.dir, 'held'])
      await gate.begun('held')
      const failing = await executor.submitTask(fail, ['custom'])
      const rows: CompletedTask[] = []
      let last = ''
      for await (const row of executor.asCompleted()) {
        rows.push(row)
        if (row.id === failing) last = await executor.submitTask(add, [1, 2])
        else gate.open()
      }
      same(
        rows.map(({ id, status }) => [id, status]),
        [
          [failing, 'error'],
          [last, 'success'],
          [held, 'success'],
        ],
      )
      isError((rows[0] as { error?: unknown }).error, 'OrderError', 'ERR_ORDER')
      same(rows[1], { id: last, status: 'success', result: 3 })
      for (const { id } of rows) await rejects(executor.getTaskResult(id), 'TaskError', 'ERR_UNKNOWN_TASK')
      same(await collect(executor.asCompleted()), [])
    },
  },
  {
    name: 'asCompleted: whoever leaves early leaves the rest; one deadline for all; a signal ends it; what was not given stays',
    async check(kit) {
      const executor = kit.executor(1)
      const ids = await Promise.all([1, 2, 3].map((n) => executor.submitTask(square, [n])))
      const taken: CompletedTask[] = []
      for await (const row of executor.asCompleted()) {
        taken.push(row)
        break
      }
      same(taken, [{ id: ids[0], status: 'success', result: 1 }])
      same(
        [...(await executor.waitForAllTasks())],
        [
          [ids[1], { status: 'success', result: 4 }],
          [ids[2], { status: 'success', result: 9 }],
        ],
      )
      const gate = kit.gate()
      const done = await executor.submitTask(add, [1, 2])
      const held = await executor.submitTask(hold, [gate.dir, 'held'])
      await gate.begun('held')
      const begun = performance.now()
      const completed = executor.asCompleted({ timeout: 30 })
      same(await completed.next(), { done: false, value: { id: done, status: 'success', result: 3 } })
      await rejects(completed.next(), 'TimeoutError', 'ERR_TIMEOUT')
      const waited = performance.now() - begun
      assert.ok(waited >= 30, `it waited ${waited} of 30 ms`)
      await rejects(executor.asCompleted({ timeout: 0 }).next(), 'TimeoutError', 'ERR_TIMEOUT')
      const controller = new AbortController()
      const aborted = rejectionOf(executor.asCompleted({ signal: controller.signal }).next())
      controller.abort('enough')
      assert.equal(await aborted, 'enough')
      assert.equal(listenersOf(controller.signal), 0)
      gate.open()
      assert.equal(await executor.getTaskResult(held), 'held')
    },
  },
]
