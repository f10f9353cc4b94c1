import * as heddle from '@heddle/sync-primitives'
import { equal, ok, rejectsWith, staysPending, until } from './assert.js'
import { newBoard, STAGE } from './shared.js'

const { Latch } = heddle
const workers = new URL('./workers.js', import.meta.url).href

export const cases = [
  {
    name: 'it lets all through when it has been counted down to 0, and from then on',
    async run({ memory }) {
      const latch = new Latch(3, { memory })
      const waiting = [latch.wait(), latch.wait()]
      equal(latch.countDown(), 2, 'what countDown gives')
      equal(latch.count, 2, 'the count')
      await staysPending(Promise.race(waiting), 'nobody passes before 0')
      equal(latch.countDown(2), 0, 'what countDown of 2 gives')
      for (const each of waiting) equal(await each, true, 'what wait gives')
      equal(await latch.wait({ timeout: 0 }), true, 'what a wait gives that comes later')
    },
  },
  {
    name: 'two workers count down, and the main thread that awaits it goes on',
    async run({ startWorker, memory }) {
      const latch = new Latch(2, { memory })
      const waiting = latch.wait()
      const data = { type: 'Latch', handle: latch.toHandle(), method: 'countDown' }
      equal(await startWorker(workers, 'call', data).result, 1, 'what the first worker got')
      await staysPending(waiting, 'the main thread waits for the second one')
      equal(await startWorker(workers, 'call', data).result, 0, 'what the second worker got')
      equal(await waiting, true, 'what wait gives')
    },
  },
  {
    name: 'the last countDown wakes the worker that blocks for it',
    async run({ startWorker, memory }) {
      const latch = new Latch(1, { memory })
      const board = newBoard(memory)
      const data = { type: 'Latch', handle: latch.toHandle(), method: 'waitSync', board }
      const { result } = startWorker(workers, 'call', data)
      await until(() => Atomics.load(board, STAGE) === 1, 'the worker waits')
      await staysPending(result, 'the worker waits for the count')
      latch.countDown()
      equal(await result, true, 'what waitSync gives')
    },
  },
  {
    name: 'a wait that times out gives false, one that is aborted rejects with the reason, and neither counts',
    async run({ memory }) {
      const latch = new Latch(1, { memory })
      const controller = new AbortController()
      const reason = { why: 'enough' }
      const aborted = latch.wait({ signal: controller.signal })
      const begun = performance.now()
      equal(await latch.wait({ timeout: 40 }), false, 'what wait gives')
      const waited = performance.now() - begun
      ok(waited >= 40, `it waits at least 40 ms, not ${waited}`)
      controller.abort(reason)
      await rejectsWith(aborted, reason, 'what the aborted wait rejects with')
      equal(latch.count, 1, 'the count')
    },
  },
]
