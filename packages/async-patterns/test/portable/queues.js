import { AsyncProducerConsumer, AsyncQueue } from '@heddle/async-patterns'
import { equal, equalList, ok, rejects, rejectsWith, staysPending, throws, turn, untilAborted } from './assert.js'

export const cases = [
  {
    name: 'AsyncQueue: items come in order, and who puts waits for room',
    async run() {
      const queue = new AsyncQueue({ capacity: 2 })
      await queue.put(1)
      await queue.put(2)
      const third = queue.put(3)
      await staysPending(third, 'the third waits for room')
      equal(await queue.get(), 1, 'the first')
      await third
      equalList(await queue.getMany(5), [2, 3], 'the others')
    },
  },
  {
    name: 'AsyncQueue: for await ends when it is closed and empty, and several loops share the items',
    async run() {
      const queue = new AsyncQueue({ capacity: 3 })
      const taken = [[], []]
      const loops = taken.map(async (own) => {
        for await (const item of queue) {
          own.push(item)
          await turn()
        }
      })
      for (let i = 0; i < 10; i++) await queue.put(i)
      queue.close()
      await Promise.all(loops)
      equalList(
        taken.flat().sort((a, b) => a - b),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        'all items',
      )
      // How evenly is a matter of their timers.
      ok(
        taken.every(({ length }) => length > 0),
        'each of them has some',
      )
    },
  },
  {
    name: 'AsyncQueue: a put without room in time hands its item back',
    async run() {
      const queue = new AsyncQueue({ capacity: 1 })
      queue.tryPut('in')
      const error = await rejects(queue.put('out', { timeout: 10 }), 'ERR_TIMEOUT', 'put')
      equal(error.item, 'out', 'the item')
      equal(queue.tryPut('out'), false, 'tryPut')
      equal(queue.size, 1, 'the size')
    },
  },
  {
    name: 'AsyncQueue: a get that is aborted takes nothing, and a closed queue gives what it has',
    async run() {
      const queue = new AsyncQueue()
      const controller = new AbortController()
      const getting = queue.get({ signal: controller.signal })
      controller.abort('enough')
      await rejectsWith(getting, 'enough', 'get')
      await queue.put(undefined)
      queue.close('over')
      equal(JSON.stringify(queue.tryGet()), '{}', 'an item that is undefined')
      equal((await rejects(queue.get(), 'ERR_CLOSED', 'get')).cause, 'over', 'the cause')
      throws(() => queue.tryPut(1), 'ERR_CLOSED', 'tryPut')
    },
  },
  {
    name: 'AsyncQueue: join waits until all that was put is done',
    async run() {
      const queue = new AsyncQueue()
      await queue.put(1)
      const joined = queue.join()
      await queue.get()
      await staysPending(joined, 'it is taken and not done')
      queue.taskDone()
      await joined
      throws(() => queue.taskDone(), 'ERR_OVER_RELEASE', 'taskDone once more')
    },
  },
  {
    name: 'AsyncQueue: a chain of puts and gets lets timers tick',
    async run() {
      const queue = new AsyncQueue()
      let ticks = 0
      let isOver = false
      const tick = () => {
        ticks += 1
        if (!isOver) setTimeout(tick, 0)
      }
      setTimeout(tick, 0)
      const end = performance.now() + 100
      let sum = 0
      while (performance.now() < end)
        for (let i = 0; i < 100; i++) {
          await queue.put(1)
          sum += await queue.get()
        }
      isOver = true
      equal(ticks > 1, true, `a timer ticks in 100 ms of ${sum} items, and did so ${ticks} times`)
    },
  },
  {
    name: 'AsyncProducerConsumer: all that is produced is consumed, and it ends by itself',
    async run() {
      const system = new AsyncProducerConsumer({ queueSize: 2 })
      const consumed = []
      for (const from of [0, 10])
        system.addProducer(function* (first) {
          for (let i = 0; i < 5; i++) yield first + i
        }, from)
      for (let i = 0; i < 3; i++)
        system.addConsumer(async (item) => {
          await turn()
          consumed.push(item)
        })
      const report = await system.start()
      equalList([report.produced, report.consumed, report.failed], [10, 10, 0], 'the report')
      equalList(
        consumed.sort((a, b) => a - b),
        [0, 1, 2, 3, 4, 10, 11, 12, 13, 14],
        'the items',
      )
    },
  },
  {
    name: 'AsyncProducerConsumer: what fails is tried again, and then is in the report',
    async run() {
      const system = new AsyncProducerConsumer({ maxAttempts: 3, minDelay: 0 })
      const attempts = []
      system.addProducer(function* () {
        yield 'good'
        yield 'bad'
      })
      system.addConsumer((item, { attempt }) => {
        attempts.push(`${item} ${attempt}`)
        if (item === 'bad') throw new Error('failed')
      })
      const { consumed, failures } = await system.start()
      equalList(attempts, ['good 1', 'bad 1', 'bad 2', 'bad 3'], 'the attempts')
      equal(consumed, 1, 'consumed')
      equal(failures[0].item, 'bad', 'the failed item')
    },
  },
  {
    name: 'AsyncProducerConsumer: stop without draining hands back what is left',
    async run() {
      const system = new AsyncProducerConsumer({ queueSize: 3, abortGrace: 1_000 })
      let next = 0
      system.addProducer(async () => {
        await turn()
        next += 1
        return next
      })
      system.addConsumer((_, context) => untilAborted(context))
      void system.start()
      while (next < 5) await turn()
      const { produced, consumed, undelivered } = await system.stop({ drain: false })
      equal(consumed, 0, 'consumed')
      equal(undelivered.length, produced, 'handed back')
    },
  },
]
