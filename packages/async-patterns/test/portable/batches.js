import { AsyncBatchProcessor } from '@heddle/async-patterns'
import { equal, equalList, ok, rejects, rejectsWith, staysPending, turn } from './assert.js'

export const cases = [
  {
    name: 'AsyncBatchProcessor: a full batch goes at once, the rest when its time is over, each with its own result',
    async run() {
      const batches = []
      const processor = new AsyncBatchProcessor({
        batchSize: 3,
        flushInterval: 30,
        process: (items) => {
          batches.push([...items])
          return items.map((item) => 10 * item)
        },
      })
      const begun = performance.now()
      const results = await Promise.all([1, 2, 3, 4].map((item) => processor.add(item)))
      equalList(results, [10, 20, 30, 40], 'the results')
      equalList(batches, [[1, 2, 3], [4]], 'the batches')
      ok(performance.now() - begun >= 30, 'the second waits for its time')
    },
  },
  {
    name: 'AsyncBatchProcessor: a batch that fails is tried again, and then rejects all its items; the next one works',
    async run() {
      const failure = new Error('of the batch')
      const attempts = []
      const processor = new AsyncBatchProcessor({
        batchSize: 2,
        maxAttempts: 2,
        retryDelay: 1,
        process: (items, { attempt }) => {
          attempts.push(`${items.join()} ${attempt}`)
          if (items.includes('bad')) throw failure
          return items
        },
      })
      const bad = [processor.add('bad'), processor.add('also')]
      const good = [processor.add('good'), processor.add('fine')]
      for (const promise of bad) await rejectsWith(promise, failure, 'an item of the bad batch')
      equalList(await Promise.all(good), ['good', 'fine'], 'the next batch')
      equalList(attempts, ['bad,also 1', 'bad,also 2', 'good,fine 1'], 'the attempts')
    },
  },
  {
    name: 'AsyncBatchProcessor: an Error in place of a result rejects that item alone',
    async run() {
      const failure = new Error('of one item')
      const processor = new AsyncBatchProcessor({ batchSize: 2, process: ([first]) => [first, failure] })
      const [first, second] = [processor.add(1), processor.add(2)]
      equal(await first, 1, 'the first')
      await rejectsWith(second, failure, 'the second')
    },
  },
  {
    name: 'AsyncBatchProcessor: beyond maxPending items wait for room, or are handed back',
    async run() {
      let finish
      const process = () =>
        new Promise((resolve) => {
          finish = resolve
        })
      const processor = new AsyncBatchProcessor({ batchSize: 1, maxPending: 1, process })
      const first = processor.addItem(1)
      const second = processor.addItem(2)
      await turn()
      await staysPending(second, 'the second waits')
      equal((await rejects(processor.addItem(3, { timeout: 0 }), 'ERR_TIMEOUT', 'the third')).item, 3, 'its item')
      finish()
      await first
      await turn()
      finish()
      await second
      equal(processor.pending, 0, 'pending in the end')
    },
  },
  {
    name: 'AsyncBatchProcessor: close processes what is there, terminate hands it back',
    async run() {
      const seen = []
      const options = { flushInterval: Number.POSITIVE_INFINITY, process: (items) => void seen.push(...items) }
      const closing = new AsyncBatchProcessor(options)
      void closing.addItem(1)
      await closing.close()
      equalList(seen, [1], 'what was processed')
      await rejects(closing.addItem(2), 'ERR_CLOSED', 'one more')
      const terminated = new AsyncBatchProcessor(options)
      const lost = terminated.addItem(3)
      equalList(terminated.terminate('over'), [3], 'what is handed back')
      equal((await rejects(lost, 'ERR_CLOSED', 'its promise')).cause, 'over', 'the cause')
      equalList(seen, [1], 'what was processed in the end')
    },
  },
]
