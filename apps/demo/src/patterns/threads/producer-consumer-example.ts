import { setTimeout } from 'node:timers/promises'
import { ProducerConsumer } from '@heddle/ipc-channels'
import { ManualResetEvent, ThreadSafeCounter } from '@heddle/sync-primitives'
import { ThreadPoolManager } from '@heddle/worker-pool'
import type { Pattern } from '../pattern.js'
import { exampleProducer, type NumberedItem } from './queue-tasks.js'

const enough = 6

/** A thread produces, this one consumes; it is stopped after some items instead of after two seconds. */
export const producerConsumerExample: Pattern = {
  name: 'producer-consumer-example',
  title: 'Producer-consumer example',
  aliases: ['example_producer', 'example_consumer'],
  kind: 'example',
  packages: ['@heddle/ipc-channels', '@heddle/worker-pool'],
  mends:
    'stop returns at once, and the program ends with items in the queue: here all that was produced is processed when stop returns',
  async run({ print, signal }) {
    const produced = new ThreadSafeCounter()
    const processed: NumberedItem[] = []
    const isEnough = new ManualResetEvent()
    const exampleConsumer = async (numbered: NumberedItem) => {
      print(`Processing: ${numbered.item}`)
      await setTimeout(50) // Simulate work
      processed.push(numbered)
      if (processed.length === enough) isEnough.set()
    }

    await using pool = new ThreadPoolManager({ maxWorkers: 1 })
    await using system = new ProducerConsumer<NumberedItem>({ queueSize: 5 })
    system.addProducerOn(pool, exampleProducer, produced)
    system.addConsumer(exampleConsumer)
    void system.start()
    await isEnough.wait({ signal })
    const { undelivered, producerErrors, consumerErrors } = await system.stop()

    return [
      {
        what: 'each item that was produced is processed or handed back, once',
        actual: [...processed, ...undelivered].map(({ number }) => number).sort((a, b) => a - b),
        expected: Array.from({ length: produced.getValue() }, (_, index) => index + 1),
      },
      { what: 'what nobody has processed', actual: undelivered, expected: [] },
      { what: 'errors', actual: [producerErrors, consumerErrors], expected: [0, 0] },
      {
        what: 'the numbers of the items, which one thread has produced, in their order',
        actual: processed.map(({ number }) => number),
        expected: processed.map((_, index) => index + 1),
      },
    ]
  },
}
