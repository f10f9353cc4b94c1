import { AsyncProducerConsumer, AsyncSemaphore } from '@heddle/async-patterns'
import type { Pattern } from '../pattern.js'
import { exampleAsyncConsumer, exampleAsyncProducer } from './example-items.js'

const enough = 10

/** The document's example producer and consumer, stopped while both are at work. */
export const asyncProducerConsumerExample: Pattern = {
  name: 'async-producer-consumer-example',
  title: 'example_async_producer, example_async_consumer',
  aliases: ['example_async_producer', 'example_async_consumer'],
  kind: 'example',
  packages: ['@heddle/async-patterns'],
  mends:
    'the consumer is cancelled in the middle of an item that it said it was processing: here it finishes what it has begun, and what the producer has in hand is taken',
  async run({ print, signal }) {
    const produced: string[] = []
    const printed: string[] = []
    const finished: string[] = []
    const counter = new AsyncSemaphore(0)

    const system = new AsyncProducerConsumer<string>({ queueSize: 10 })
    system.addProducer(async () => {
      const item = await exampleAsyncProducer()
      produced.push(item)
      return item
    })
    system.addConsumer(async (item) => {
      counter.release()
      await exampleAsyncConsumer(item, (line) => {
        printed.push(line)
        print(line)
      })
      finished.push(item)
    })

    const started = system.start()
    try {
      // The last of them is still being processed.
      await counter.acquire(enough, { signal })
    } finally {
      await system.stop({ drain: !signal.aborted })
    }
    const { consumed } = await started

    return [
      { what: 'all that was produced is processed to its end, in order', actual: finished, expected: produced },
      { what: 'a line for each', actual: printed, expected: produced.map((item) => `Processing async: ${item}`) },
      { what: 'what the report says', actual: consumed, expected: produced.length },
    ]
  },
}
