import { ProducerConsumer, ThreadSafeQueue } from '@heddle/ipc-channels'
import { ProcessPoolManager } from '@heddle/process-pool'
import { Segment } from '@heddle/shared-memory'
import { ThreadPoolManager } from '@heddle/worker-pool'
import { afterAll, describe, expect, test } from '@jest/globals'
import { fill, refuseOdd, square } from './fixtures/channel-tasks.mjs'

const pools = [
  ['threads', new ThreadPoolManager({ maxWorkers: 2 })],
  ['processes', new ProcessPoolManager({ maxWorkers: 2 })],
] as const
afterAll(() => Promise.all(pools.map(([, pool]) => pool.terminate())))

describe.each(pools)('channels and a pool of %s', (kind, pool) => {
  test('a system whose consumer is a task of the pool loses nothing, and keeps what the task refuses with its error', async () => {
    const system = new ProducerConsumer<number>({ queueSize: 3 })
    system.addProducer(function* () {
      for (let n = 0; n < 20; n++) yield n
    })
    system.addConsumerOn(pool, refuseOdd)
    const { produced, consumed, failures } = await system.start()
    expect([produced, consumed, failures.map(({ item }) => item)]).toEqual([
      20,
      10,
      [1, 3, 5, 7, 9, 11, 13, 15, 17, 19],
    ])
    for (const { error } of failures) expect(error).toMatchObject({ name: 'RangeError', code: 'E_ODD' })
  })

  test('a system whose producer is a task of the pool gets its results', async () => {
    const system = new ProducerConsumer<number>({ queueSize: 3 })
    const seen: number[] = []
    system.addProducerOn(pool, square, 7)
    system.addConsumer((n) => {
      seen.push(n)
      if (seen.length === 5) void system.stop()
    })
    await system.start()
    expect(seen.slice(0, 5)).toEqual([49, 49, 49, 49, 49])
  })

  test('a queue is an argument and a result of a task', async () => {
    using segment = kind === 'processes' ? Segment.create({ size: 1 << 20 }) : undefined
    const queue = new ThreadSafeQueue<number>({ memory: segment, capacity: 4 })
    const filling = pool.run(fill, [queue, 10])
    const items: number[] = []
    while (items.length < 10) items.push(...(await queue.getMany(4, { timeout: 10_000 })))
    expect(items).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    const same = (await filling) as ThreadSafeQueue<number>
    same.putSync(10)
    expect(await queue.get()).toBe(10)
  })
})
