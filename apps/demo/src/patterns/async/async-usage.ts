import { AsyncProducerConsumer, AsyncSemaphore } from '@heddle/async-patterns'
import type { Pattern } from '../pattern.js'
import { exampleAsyncConsumer, exampleAsyncProducer } from './example-items.js'

const enough = 12
const producers = 3

/** A system is started, runs for a bit and is stopped; with more producers than the consumer can keep up with. */
export const asyncUsage: Pattern = {
  name: 'async-usage',
  title: 'example_async_usage',
  kind: 'example',
  packages: ['@heddle/async-patterns'],
  mends:
    'nobody learns what was still queued when the system was stopped: here `stop` drains, or hands back what is left, and the report accounts for every item',
  async run({ print, signal }) {
    /** Starts a system, lets it run until so many items were processed, and stops it. */
    const use = async (drain: boolean) => {
      const produced: string[] = []
      const processed: string[] = []
      const counter = new AsyncSemaphore(0)
      const system = new AsyncProducerConsumer<string>({ queueSize: 10 })
      for (let producer = 0; producer < producers; producer++)
        system.addProducer(async () => {
          const item = await exampleAsyncProducer()
          produced.push(item)
          return item
        })
      system.addConsumer(async (item) => {
        await exampleAsyncConsumer(item, print)
        processed.push(item)
        counter.release()
      })

      const startTask = system.start()
      try {
        await counter.acquire(enough, { signal })
      } finally {
        await system.stop({ drain: drain && !signal.aborted })
      }
      const { consumed, undelivered } = await startTask
      print(`${consumed} processed, ${undelivered.length} handed back`)
      return { consumed, produced, processed, undelivered }
    }

    const drained = await use(true)
    const stopped = await use(false)
    return [
      {
        what: 'drained: all were processed',
        actual: drained.processed.toSorted(),
        expected: drained.produced.toSorted(),
      },
      { what: 'and none handed back', actual: drained.undelivered, expected: [] },
      {
        what: 'stopped at once: all were processed or handed back',
        actual: [...stopped.processed, ...stopped.undelivered].toSorted(),
        expected: stopped.produced.toSorted(),
      },
      {
        what: 'what the reports say',
        actual: [drained.consumed, stopped.consumed],
        expected: [drained.processed.length, stopped.processed.length],
      },
    ]
  },
}
