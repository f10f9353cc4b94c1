import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { expect, test } from '@jest/globals'
import { QueueWorker } from './support/queue-worker.js'
import { hasWaitingGetters, hasWaitingPutters, sharedWords } from './support/shared-words.js'
import { until } from './support/until.js'

type Taken = [producer: number, number: number][]

/** Four producers put `count` items each, four consumers take; half of them block and half await. */
async function pump(workers: readonly QueueWorker[], capacity: number, count: number): Promise<Taken[]> {
  const queue = new ThreadSafeQueue<unknown>({ capacity, capacityBytes: 4_000 })
  const gate = sharedWords(1)
  const parties = 8
  await Promise.all(workers.map((worker) => worker.open('queue', queue)))
  const [producers, consumers] = [workers.slice(0, 4), workers.slice(4)]
  const consuming = consumers.map((worker, i) =>
    worker.run('consume', { name: 'queue', blocking: i % 2 === 0, gate, parties }),
  )
  const producing = producers.map((worker, producer) =>
    worker.run('produce', { name: 'queue', producer, count, blocking: producer % 2 === 0, gate, parties }),
  )
  expect(await Promise.all(producing)).toEqual([count, count, count, count])
  queue.close()
  const taken = (await Promise.all(consuming)) as Taken[]
  expect(queue.size).toBe(0)
  expect(queue.getStats()).toMatchObject({ putCount: 4 * count, getCount: 4 * count, errors: 0 })
  return taken
}

test('four producers and four consumers, blocking and awaiting: each item arrives once, whole, in its producer’s order', async () => {
  const queues = { queue: new ThreadSafeQueue() }
  const workers = await Promise.all(Array.from({ length: 8 }, () => QueueWorker.withQueues(queues)))
  for (const [capacity, count] of [
    [1, 100],
    [2, 150],
    [7, 250],
    [200, 500],
  ] as const) {
    const taken = await pump(workers, capacity, count)
    expect(taken.flat().sort(([p, n], [q, m]) => p - q || n - m)).toEqual(
      [0, 1, 2, 3].flatMap((producer) => Array.from({ length: count }, (_, number) => [producer, number])),
    )
    for (const list of taken)
      for (const producer of [0, 1, 2, 3]) {
        const numbers = list.filter(([p]) => p === producer).map(([, number]) => number)
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
      }
  }
})

test('four threads each put, then try to get: the queue is never said to be empty', async () => {
  const queue = new ThreadSafeQueue<number>({ capacity: 4, capacityBytes: 256 })
  const gate = sharedWords(1)
  const workers = await Promise.all(Array.from({ length: 4 }, () => QueueWorker.withQueues({ queue })))
  const empty = await Promise.all(
    workers.map((worker) => worker.run('putThenTryGet', { name: 'queue', rounds: 3_000, gate, parties: 4 })),
  )
  expect(empty).toEqual([0, 0, 0, 0])
  expect(queue.getStats()).toMatchObject({ putCount: 12_000, getCount: 12_000, errors: 0 })
})

test('23 tasks in three threads relay 2,718 values: count and sum are exact after close', async () => {
  const [source, target] = [
    new ThreadSafeQueue<number>({ capacity: 16, capacityBytes: 256 }),
    new ThreadSafeQueue<number>({ capacity: 16, capacityBytes: 256 }),
  ]
  const workers = await Promise.all(Array.from({ length: 3 }, () => QueueWorker.withQueues({ source, target })))
  const tasks = [1, 11, 11]
  const done = sharedWords(1)
  done[0] = workers.length
  const relaying = workers.map((worker, i) =>
    worker.run('relay', { from: 'source', to: 'target', tasks: tasks[i], blocking: i === 0, done }),
  )
  const feeding = (async () => {
    for (let value = 1; value <= 2_718; value++) await source.put(value)
    source.close()
  })()
  let [count, sum] = [0, 0]
  for await (const value of target) {
    count += 1
    sum += value
  }
  await Promise.all([feeding, ...relaying])
  expect([count, sum]).toEqual([2_718, (2_718 * 2_719) / 2])
})

test.each([
  ['getSync', 'put'],
  ['getSync', 'putSync'],
  ['get', 'put'],
  ['get', 'putSync'],
])('%s that waits in another thread is woken by %s', async (get, put) => {
  const queue = new ThreadSafeQueue<string>({ capacity: 1 })
  const worker = await QueueWorker.withQueues({ queue })
  for (let round = 0; round < 20; round++) {
    const got = worker.run(get, { name: 'queue' })
    await until(() => hasWaitingGetters(queue), 'the getter waits')
    if (put === 'put') await queue.put(`item ${round}`)
    else queue.putSync(`item ${round}`)
    expect(await got).toBe(`item ${round}`)
  }
})

test.each([
  ['putSync', 'get'],
  ['putSync', 'getSync'],
  ['put', 'get'],
  ['put', 'getSync'],
])('%s that waits in another thread is woken by %s', async (put, get) => {
  const queue = new ThreadSafeQueue<number>({ capacity: 1 })
  queue.putSync(0)
  const worker = await QueueWorker.withQueues({ queue })
  for (let round = 0; round < 20; round++) {
    const done = worker.run(put, { name: 'queue', item: round + 1 })
    await until(() => hasWaitingPutters(queue), 'the putter waits')
    expect(get === 'get' ? await queue.get() : queue.getSync()).toBe(round)
    await done
    expect(queue.size).toBe(1)
  }
})

test('this thread blocks until another thread puts, and until another thread takes', async () => {
  const [there, back] = [new ThreadSafeQueue<number>({ capacity: 1 }), new ThreadSafeQueue<number>({ capacity: 1 })]
  const worker = await QueueWorker.withQueues({ there, back })
  const done = sharedWords(1)
  done[0] = 1
  const relaying = worker.run('relay', { from: 'there', to: 'back', tasks: 1, blocking: true, done })
  const values: number[] = []
  for (let value = 0; value < 50; value++) {
    there.putSync(value)
    values.push(back.getSync())
  }
  for (const value of [50, 51, 52]) there.putSync(value)
  there.close()
  for await (const value of back) values.push(value)
  await relaying
  expect(values).toEqual(Array.from({ length: 53 }, (_, i) => i))
})

test('a call that does not wait never takes before one that waits in its thread, whenever the items come', async () => {
  const queue = new ThreadSafeQueue<number>({ capacity: 2, capacityBytes: 256 })
  const worker = await QueueWorker.withQueues({ queue })
  const rounds = 300
  const putting = worker.run('putNumbers', { name: 'queue', count: 2 * rounds })
  for (let round = 0; round < rounds; round++) {
    const waiting = queue.get()
    let second = queue.tryGet()
    while (!second) second = queue.tryGet()
    expect([await waiting, second.item]).toEqual([2 * round, 2 * round + 1])
  }
  await putting
})

test('timeouts in another thread fail with their errors, not before the time, and are counted for all', async () => {
  const [empty, full] = [new ThreadSafeQueue<string>(), new ThreadSafeQueue<string>({ capacity: 1 })]
  full.putSync('old')
  const worker = await QueueWorker.withQueues({ empty, full })
  const options = { timeout: 25 }
  for (const call of ['get', 'getSync'])
    await expect(worker.run(call, { name: 'empty', options })).rejects.toMatchObject({
      name: 'QueueEmptyError',
      code: 'ERR_TIMEOUT',
    })
  for (const call of ['put', 'putSync'])
    await expect(worker.run(call, { name: 'full', item: 'new', options })).rejects.toMatchObject({
      name: 'QueueFullError',
      code: 'ERR_TIMEOUT',
      item: 'new',
    })
  const failure = await worker.run('getSync', { name: 'empty', options }).catch((error: unknown) => error)
  expect((failure as { waited: number }).waited).toBeGreaterThanOrEqual(25)
  expect(await worker.run('tryGet', { name: 'empty' })).toBeUndefined()
  expect(await worker.run('tryPut', { name: 'full', item: 'new' })).toBe(false)
  expect([empty.getStats().errors, full.getStats().errors]).toEqual([4, 3])
  expect(await worker.run('getStats', { name: 'full' })).toEqual(full.getStats())
})

test('a thread that is terminated while it waits takes nothing with it', async () => {
  const queue = new ThreadSafeQueue<number>({ capacity: 1 })
  const [first, second] = [await QueueWorker.withQueues({ queue }), await QueueWorker.withQueues({ queue })]
  void first.run('getSync', { name: 'queue' })
  await until(() => hasWaitingGetters(queue), 'the first thread waits')
  await first.terminate()
  const got = second.run('getSync', { name: 'queue' })
  queue.putSync(1)
  expect(await got).toBe(1)
  queue.putSync(2)
  expect(queue.tryGet()).toEqual({ item: 2 })
})

test('a wait that gave up swallows no wake-up of a blocking call in its thread', async () => {
  const [there, back] = [new ThreadSafeQueue<number>({ capacity: 1 }), new ThreadSafeQueue<number>({ capacity: 1 })]
  const worker = await QueueWorker.withQueues({ there, back })
  const rounds = 40
  const echoing = worker.run('move', { from: 'there', to: 'back', count: rounds, pause: 3 })
  const begun = performance.now()
  for (let round = 0; round < rounds; round++) {
    await back.get({ timeout: 2 }).catch(() => {})
    there.putSync(round)
    expect(back.getSync()).toBe(round)
  }
  await echoing
  // A wake-up that is lost costs a slice of 50 ms.
  expect(performance.now() - begun).toBeLessThan(rounds * 40)
})
