import { ProducerConsumer } from '@heddle/ipc-channels'
import { Latch, ThreadSafeCounter } from '@heddle/sync-primitives'
import { ThreadPoolManager } from '@heddle/worker-pool'
import type { Pattern } from '../pattern.js'
import { addTo, nextNumber } from './queue-tasks.js'

const last = 200

/** Producers and consumers: functions of this thread, and tasks on the threads of a pool. */
export const producerConsumer: Pattern = {
  name: 'producer-consumer',
  title: 'ProducerConsumer',
  kind: 'class',
  packages: ['@heddle/ipc-channels'],
  mends:
    'stop joins no thread, loses what is queued, and leaves a producer that waits for room waiting for ever: here it drains, waits and reports each item',
  async run({ print, signal }) {
    const here = new ProducerConsumer<number>({ queueSize: 5 })
    const consumed: number[] = []
    here.addProducer(
      function* (first: number, end: number) {
        for (let n = first; n < end; n++) yield n
      },
      1,
      21,
    )
    here.addConsumer((n, unlucky: number) => {
      if (n === unlucky) throw new RangeError(`not ${n}`)
      consumed.push(n)
    }, 13)
    // It ends by itself, since its producers do.
    const { failures } = await here.start()
    print(`consumed ${consumed.length}, failed on ${failures.map(({ item }) => item).join(', ')}`)

    await using pool = new ThreadPoolManager({ maxWorkers: 3 })
    await using system = new ProducerConsumer<number>({ queueSize: 5 })
    const counter = new ThreadSafeCounter()
    const sum = new ThreadSafeCounter()
    const left = new Latch(last)
    system.addProducerOn(pool, nextNumber, counter, last, left)
    system.addConsumerOn(pool, addTo, sum)
    system.addConsumerOn(pool, addTo, sum)
    void system.start()
    await left.wait({ signal })
    // The last ones are still on their way.
    const report = await system.stop()
    print(`3 threads: produced ${report.produced}, consumed ${report.consumed}, sum ${sum.getValue()}`)

    const numbers = Array.from({ length: last }, (_, n) => n + 1)
    return [
      { what: 'what was consumed', actual: consumed, expected: numbers.slice(0, 20).filter((n) => n !== 13) },
      { what: 'what failed', actual: failures, expected: [{ item: 13, error: new RangeError('not 13') }] },
      { what: 'the sum by threads', actual: sum.getValue(), expected: numbers.reduce((total, n) => total + n, 0) },
      {
        what: 'what became of the items of the threads',
        actual: [report.produced, report.consumed, report.failed, report.undelivered, report.queueError],
        expected: [last, last, 0, [], undefined],
      },
      { what: 'whether it still runs', actual: system.running, expected: false },
    ]
  },
}
