import { AsyncTaskManager, TaskGroup } from '@heddle/async-patterns'
import { equal, equalList, ok, pause, rejects, rejectsWith, staysPending, turn, untilAborted } from './assert.js'

export const cases = [
  {
    name: 'AsyncTaskManager: never more at work than allowed, priorities first',
    async run() {
      const manager = new AsyncTaskManager({ maxConcurrent: 2 })
      const order = []
      let most = 0
      const task = async (name) => {
        order.push(name)
        most = Math.max(most, manager.stats().running)
        await turn()
      }
      const runs = ['a', 'b', 'c', 'd'].map((name) => manager.run(task, [name]))
      await Promise.all([...runs, manager.run(task, ['first'], { priority: 1 })])
      equalList(order, ['a', 'b', 'first', 'c', 'd'], 'the order')
      equal(most, 2, 'the most at work')
    },
  },
  {
    name: 'AsyncTaskManager: results of submitted tasks can be taken once, errors as themselves',
    async run() {
      const manager = new AsyncTaskManager()
      const failure = new Error('of the task')
      const good = await manager.submitTask((a, b) => a + b, [1, 2])
      const bad = await manager.submitTask(() => Promise.reject(failure))
      equal(await manager.getTaskResult(good), 3, 'the result')
      await rejectsWith(manager.getTaskResult(bad), failure, 'the failure')
      await rejects(manager.getTaskResult(good), 'ERR_UNKNOWN_TASK', 'a second time')
    },
  },
  {
    name: 'AsyncTaskManager: a task that takes too long rejects not before its time, and its signal aborts',
    async run() {
      const manager = new AsyncTaskManager()
      const begun = performance.now()
      let own
      const task = (context) => {
        own = context.signal
        return untilAborted(context)
      }
      const error = await rejects(manager.run(task, { timeout: 30 }), 'ERR_TIMEOUT', 'run')
      ok(performance.now() - begun >= 30, 'it takes at least 30 ms')
      equal(own.reason, error, 'the reason of its signal')
      await manager.drain()
    },
  },
  {
    name: 'AsyncTaskManager: cancelTask aborts the signal of one that runs, and keeps one that waits from beginning',
    async run() {
      const manager = new AsyncTaskManager({ maxConcurrent: 1 })
      let began = false
      const running = await manager.submitTask(untilAborted)
      const waiting = await manager.submitTask(() => {
        began = true
      })
      equal(manager.cancelTask(waiting, 'not needed'), true, 'there is one to cancel')
      equal(manager.cancelTask(running), true, 'there is another one')
      await rejectsWith(manager.getTaskResult(waiting), 'not needed', 'who waited')
      equal((await manager.waitForAllTasks()).get(running).error.name, 'AbortError', 'who ran')
      await manager.onIdle()
      equal(began, false, 'the one that waited has begun')
    },
  },
  {
    name: 'AsyncTaskManager: with reject a full queue refuses, and terminate ends all',
    async run() {
      const manager = new AsyncTaskManager({ maxConcurrent: 1, maxQueued: 1, whenFull: 'reject' })
      const running = manager.run(untilAborted)
      const waiting = manager.run(() => 1)
      equal(
        (
          await rejects(
            manager.run((n) => n, [7]),
            'ERR_TIMEOUT',
            'the third',
          )
        ).item[0],
        7,
        'its argument',
      )
      const ended = manager.terminate('over')
      for (const promise of [running, waiting])
        equal((await rejects(promise, 'ERR_CLOSED', 'it')).cause, 'over', 'cause')
      await ended
      await rejects(
        manager.run(() => 1),
        'ERR_CLOSED',
        'one more',
      )
    },
  },
  {
    name: 'AsyncTaskManager: asCompleted gives results as they come',
    async run() {
      const manager = new AsyncTaskManager()
      const slow = await manager.submitTask(() => pause(20))
      const fast = await manager.submitTask(() => 'fast')
      const ids = []
      for await (const { id } of manager.asCompleted()) ids.push(id)
      equalList(ids, [fast, slow], 'the order')
    },
  },
  {
    name: 'AsyncTaskManager.map: results in order, with no more at work than allowed, of an endless input',
    async run() {
      const manager = new AsyncTaskManager({ maxConcurrent: 3 })
      let isClosed = false
      function* numbers() {
        try {
          for (let i = 0; ; i++) yield i
        } finally {
          isClosed = true
        }
      }
      const results = []
      for await (const square of manager.map(async (n) => {
        await pause(n % 3)
        return n * n
      }, numbers())) {
        results.push(square)
        if (results.length === 10) break
      }
      equalList(results, [0, 1, 4, 9, 16, 25, 36, 49, 64, 81], 'the squares')
      equal(isClosed, true, 'the input is closed')
      await manager.onIdle()
    },
  },
  {
    name: 'AsyncTaskManager.map: an error comes in its place, behind the results before it',
    async run() {
      const manager = new AsyncTaskManager()
      const map = manager.map((n) => (n === 2 ? Promise.reject(new Error('two')) : n), [0, 1, 2, 3])
      const results = []
      let failure
      try {
        for await (const n of map) results.push(n)
      } catch (error) {
        failure = error
      }
      equalList(results, [0, 1], 'before the error')
      equal(failure?.message, 'two', 'the error')
    },
  },
  {
    name: 'TaskGroup: a task that fails cancels the others, and join has all errors when they have ended',
    async run() {
      const group = new TaskGroup()
      let isClean = false
      void group.run(async (context) => {
        await untilAborted(context).catch(() => undefined)
        await turn()
        isClean = true
        throw 'clean-up'
      })
      void group.run(() => Promise.reject('first'))
      const { reason } = (await Promise.allSettled([group.join()]))[0]
      equal(isClean, true, 'it is clean')
      equalList(reason.errors, ['first', 'clean-up'], 'the errors')
      await rejects(
        group.run(() => 1),
        'ERR_CLOSED',
        'one more',
      )
    },
  },
  {
    name: 'TaskGroup: a limit is kept, and tryRun refuses when it is reached',
    async run() {
      const group = new TaskGroup({ maxConcurrent: 2 })
      let most = 0
      for (let i = 0; i < 6; i++)
        void group.run(async () => {
          most = Math.max(most, group.running)
          await turn()
        })
      equal(
        group.tryRun(() => 1),
        undefined,
        'tryRun',
      )
      await group.join()
      equal(most, 2, 'the most at work')
    },
  },
  {
    name: 'TaskGroup: its time is over not before it, and the error comes after the clean-up',
    async run() {
      const begun = performance.now()
      let isClean = false
      const scope = TaskGroup.scope(
        (group) =>
          group
            .run(async (context) => {
              await untilAborted(context).catch(() => undefined)
              await turn()
              throw context.signal.reason
            })
            .finally(() => {
              isClean = true
            }),
        { timeout: 30 },
      )
      await rejects(scope, 'ERR_TIMEOUT', 'the scope')
      ok(performance.now() - begun >= 30, 'it takes at least 30 ms')
      equal(isClean, true, 'it is clean')
    },
  },
  {
    name: 'TaskGroup: a scope ends its tasks when its body fails, and waits for them when it does not',
    async run() {
      const failure = new Error('of the body')
      let reason
      const failing = TaskGroup.scope((group) => {
        void group.run((context) =>
          untilAborted(context).catch((error) => {
            reason = error
          }),
        )
        throw failure
      })
      await rejectsWith(failing, failure, 'the scope')
      equal(reason, failure, 'what its task was told')
      let finish
      const waiting = TaskGroup.scope((group) => {
        void group.run(() => new Promise((resolve) => (finish = resolve)))
        return 'result'
      })
      await staysPending(waiting, 'a task is at work')
      finish()
      equal(await waiting, 'result', 'the result')
    },
  },
]
