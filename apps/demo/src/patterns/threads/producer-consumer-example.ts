import { setTimeout } from 'node:timers/promises'
import { ProducerConsumer } from '@heddle/ipc-channels'
import { ManualResetEvent } from '@heddle/sync-primitives'
import { ThreadPoolManager } from '@heddle/worker-pool'
import type { Pattern } from '../pattern.js'
import { exampleProducer } from './queue-tasks.js'

const enough = 6

/** A thread produces, this one consumes; it is stopped after some items instead of after two seconds. */
export const producerConsumerExample: Pattern = {
  name: 'producer-consumer-example',
  title: 'Producer-consumer example',
  kind: 'example',
  packages: ['@heddle/ipc-channels', '@heddle/worker-pool'],
  mends:
    'stop returns at once, and the program ends with items in the queue: here all that was produced is processed when stop returns',
  async run({ print, signal }) {
    const processed: string[] = []
    const isEnough = new ManualResetEvent()
    const exampleConsumer = async (item: string) => {
      print(`Processing: ${item}`)
      await setTimeout(50) // Simulate work
      processed.push(item)
      if (processed.length === enough) isEnough.set()
    }

    await using pool = new ThreadPoolManager({ maxWorkers: 1 })
    await using system = new ProducerConsumer<string>({ queueSize: 5 })
    system.addProducerOn(pool, exampleProducer)
    system.addConsumer(exampleConsumer)
    void system.start()
    await isEnough.wait({ signal })
    const { produced, undelivered, producerErrors, consumerErrors } = await system.stop()

    return [
      {
        what: 'how many items of those that were produced were processed',
        actual: processed.length,
        expected: produced,
      },
      { what: 'what nobody has processed', actual: undelivered, expected: [] },
      { what: 'errors', actual: [producerErrors, consumerErrors], expected: [0, 0] },
      {
        what: 'the items, in the order of their times',
        actual: processed,
        expected: processed
          .map(timeOf)
          .sort((a, b) => a - b)
          .map((time) => `Item_${time}`),
      },
    ]
  },
}

const timeOf = (item: string): number => Number(item.slice('Item_'.length))
