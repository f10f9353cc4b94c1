import * as heddle from '@heddle/sync-primitives'
import { equal, ok, rejectsWith, staysPending, until } from './assert.js'
import { newBoard, STAGE } from './shared.js'

const { AutoResetEvent, ManualResetEvent } = heddle
const workers = new URL('./workers.js', import.meta.url).href

/** What both events have in common. */
function common(type, Event) {
  return [
    {
      name: 'a wait that times out gives false, not before its time',
      async run({ memory }) {
        const event = new Event(false, { memory })
        const begun = performance.now()
        equal(await event.wait({ timeout: 40 }), false, 'what wait gives')
        const waited = performance.now() - begun
        ok(waited >= 40, `it waits at least 40 ms, not ${waited}`)
      },
    },
    {
      name: 'waitSync in a worker that times out gives false, not before its time',
      async run({ startWorker, memory }) {
        const event = new Event(false, { memory })
        const data = { type, handle: event.toHandle(), call: 'waitSync', timeout: 40 }
        const { value, waited } = await startWorker(workers, 'timeOut', data).result
        equal(value, false, 'what waitSync gives')
        ok(waited >= 40, `it waits at least 40 ms, not ${waited}`)
      },
    },
    {
      name: 'an aborted wait rejects with the reason as given',
      async run({ memory }) {
        const event = new Event(false, { memory })
        const controller = new AbortController()
        const reason = { why: 'enough' }
        const waiting = event.wait({ signal: controller.signal })
        controller.abort(reason)
        await rejectsWith(waiting, reason, 'what wait rejects with')
        event.set()
        equal(event.isSet, true, 'isSet: the wait that gave up has taken nothing')
      },
    },
    {
      name: 'set in a worker wakes the main thread that awaits it',
      async run({ startWorker, memory }) {
        const event = new Event(false, { memory })
        const waiting = event.wait()
        await staysPending(waiting, 'the main thread waits')
        await startWorker(workers, 'call', { type, handle: event.toHandle(), method: 'set' }).result
        equal(await waiting, true, 'what wait gives')
      },
    },
    {
      name: 'set wakes the worker that blocks for it',
      async run({ startWorker, memory }) {
        const event = new Event(false, { memory })
        const board = newBoard(memory)
        const data = { type, handle: event.toHandle(), method: 'waitSync', board }
        const { result } = startWorker(workers, 'call', data)
        await until(() => Atomics.load(board, STAGE) === 1, 'the worker waits')
        await staysPending(result, 'the worker waits until the event is set')
        event.set()
        equal(await result, true, 'what waitSync gives')
      },
    },
  ]
}

export const manualCases = [
  ...common('ManualResetEvent', ManualResetEvent),
  {
    name: 'it lets all through while it is set, and none after reset',
    async run({ memory }) {
      const event = new ManualResetEvent(false, { memory })
      const waiting = [event.wait(), event.wait(), event.wait()]
      equal(event.isSet, false, 'isSet at first')
      event.set()
      for (const each of waiting) equal(await each, true, 'what wait gives')
      equal(event.isSet, true, 'isSet after set')
      equal(await event.wait(), true, 'what a wait gives that comes later')
      event.reset()
      equal(event.isSet, false, 'isSet after reset')
      equal(await event.wait({ timeout: 0 }), false, 'what a wait gives after reset')
      equal(new ManualResetEvent(true, { memory }).isSet, true, 'isSet of one that is set from the beginning')
    },
  },
]

export const autoCases = [
  ...common('AutoResetEvent', AutoResetEvent),
  {
    name: 'each set lets one through, in the order they asked',
    async run({ memory }) {
      const event = new AutoResetEvent(false, { memory })
      const order = []
      const waiting = [1, 2].map((task) => event.wait().then(() => order.push(task)))
      event.set()
      await waiting[0]
      await staysPending(waiting[1], 'the second one waits on')
      equal(event.isSet, false, 'isSet after one was let through')
      event.set()
      await waiting[1]
      equal(order.join(), '1,2', 'the order')
    },
  },
  {
    name: 'it remembers one set for the next who comes, and no more than one',
    async run({ memory }) {
      const event = new AutoResetEvent(false, { memory })
      event.set()
      event.set()
      equal(event.tryWait(), true, 'the first tryWait')
      equal(event.tryWait(), false, 'the second tryWait')
      const other = new AutoResetEvent(true, { memory })
      equal(await other.wait(), true, 'what wait gives on one that is set from the beginning')
      other.set()
      other.reset()
      equal(other.tryWait(), false, 'tryWait after reset')
    },
  },
]
