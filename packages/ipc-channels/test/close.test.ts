import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { describe, expect, test } from '@jest/globals'
import { QueueWorker } from './support/queue-worker.js'
import { hasWaitingGetters, hasWaitingPutters, sharedWords } from './support/shared-words.js'
import { rejectionOf, thrownBy, until } from './support/until.js'

const closed = { name: 'ClosedError', code: 'ERR_CLOSED' }

/** Three threads to wait in: one at a time in the Sync forms, any number in the others. */
async function threeThreads(queue: ThreadSafeQueue<number>): Promise<[QueueWorker, QueueWorker, QueueWorker]> {
  return Promise.all([
    QueueWorker.withQueues({ queue }),
    QueueWorker.withQueues({ queue }),
    QueueWorker.withQueues({ queue }),
  ])
}

describe('close wakes at once', () => {
  test('getters that block and getters that await, in every thread', async () => {
    const workers = await threeThreads(new ThreadSafeQueue())
    for (let round = 0; round < 10; round++) {
      const queue = new ThreadSafeQueue<number>({ capacity: 1 })
      await Promise.all(workers.map((worker) => worker.open('queue', queue)))
      const announced = sharedWords(1)
      const [blocking, alsoBlocking, awaiting] = workers
      const waits = [
        blocking.run('getSync', { name: 'queue', announced }),
        alsoBlocking.run('getSync', { name: 'queue', announced, options: { timeout: 60_000 } }),
        ...[1, 2, 3].map(() => awaiting.run('get', { name: 'queue', announced })),
        queue.get(),
        queue.get({ timeout: 60_000 }),
      ].map(rejectionOf)
      await until(() => Atomics.load(announced, 0) === 5 && hasWaitingGetters(queue), 'the getters wait')
      queue.close()
      for (const failure of await Promise.all(waits)) expect(failure).toMatchObject(closed)
    }
  })

  test('putters that block and putters that await, in every thread; what was inside stays and can be taken', async () => {
    const workers = await threeThreads(new ThreadSafeQueue())
    for (let round = 0; round < 10; round++) {
      const queue = new ThreadSafeQueue<number>({ capacity: 2 })
      queue.putSync(1)
      queue.putSync(2)
      await Promise.all(workers.map((worker) => worker.open('queue', queue)))
      const announced = sharedWords(1)
      const [blocking, alsoBlocking, awaiting] = workers
      const waits = [
        blocking.run('putSync', { name: 'queue', item: 9, announced }),
        alsoBlocking.run('putSync', { name: 'queue', item: 9, announced, options: { timeout: 60_000 } }),
        ...[1, 2, 3].map(() => awaiting.run('put', { name: 'queue', item: 9, announced })),
        queue.put(9),
        queue.put(9, { timeout: 60_000 }),
      ].map(rejectionOf)
      await until(() => Atomics.load(announced, 0) === 5 && hasWaitingPutters(queue), 'the putters wait')
      queue.close()
      for (const failure of await Promise.all(waits)) expect(failure).toMatchObject(closed)
      expect([queue.getSync(), queue.getSync()]).toEqual([1, 2])
      expect(thrownBy(() => queue.getSync())).toMatchObject(closed)
    }
  })

  test('whoever waits here when another thread closes', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 1 })
    const worker = await QueueWorker.withQueues({ queue })
    const awaiting = [queue.get(), queue.get()].map(rejectionOf)
    await worker.run('close', { name: 'queue' })
    for (const failure of await Promise.all(awaiting)) expect(failure).toMatchObject(closed)
  })

  test('a thread that blocks when another thread closes', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 1 })
    const [blocking, closing] = [await QueueWorker.withQueues({ queue }), await QueueWorker.withQueues({ queue })]
    const waiting = rejectionOf(blocking.run('getSync', { name: 'queue' }))
    await until(() => hasWaitingGetters(queue), 'the getter waits')
    await closing.run('close', { name: 'queue' })
    expect(await waiting).toMatchObject(closed)
  })

  test('the others, although a thread that it woke is terminated at that moment', async () => {
    for (let round = 0; round < 8; round++) {
      const queue = new ThreadSafeQueue<number>({ capacity: 1 })
      const [dying, living] = await Promise.all([QueueWorker.withQueues({ queue }), QueueWorker.withQueues({ queue })])
      void dying.run('getSync', { name: 'queue' })
      // It has looked and sleeps. A thread that is terminated while it looks would leave the queue locked.
      await until(() => hasWaitingGetters(queue), 'the first getter waits')
      const announced = sharedWords(1)
      const waiting = rejectionOf(living.run('getSync', { name: 'queue', announced }))
      await until(() => Atomics.load(announced, 0) === 1, 'the second getter is there')
      const ended = dying.terminate()
      queue.close()
      expect(await waiting).toMatchObject(closed)
      await Promise.all([ended, living.terminate()])
    }
  })
})

test('after close the getters of all threads drain what is left, each item once, and then fail', async () => {
  const queue = new ThreadSafeQueue<unknown>({ capacity: 100, capacityBytes: 100_000 })
  const gate = sharedWords(1)
  const workers = await Promise.all([QueueWorker.withQueues({ queue }), QueueWorker.withQueues({ queue })])
  await workers[0].run('produce', { name: 'queue', producer: 0, count: 100, blocking: true, gate, parties: 1 })
  queue.close()
  const drained = sharedWords(1)
  const taken = (await Promise.all(
    workers.map((worker, i) =>
      worker.run('consume', { name: 'queue', blocking: i === 0, gate: drained, parties: workers.length }),
    ),
  )) as [number, number][][]
  const numbers = taken.flat().map(([, number]) => number)
  expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i))
})

test('a close in the middle of the traffic loses no item that was put and invents none', async () => {
  const workers = await Promise.all(
    Array.from({ length: 4 }, () => QueueWorker.withQueues({ queue: new ThreadSafeQueue() })),
  )
  for (let round = 0; round < 12; round++) {
    const queue = new ThreadSafeQueue<unknown>({ capacity: 1 + (round % 3), capacityBytes: 4_000 })
    await Promise.all(workers.map((worker) => worker.open('queue', queue)))
    const [gate, parties] = [sharedWords(1), 4]
    const running = workers.map((worker, i) =>
      i < 2
        ? worker.run('produce', {
            name: 'queue',
            producer: i,
            count: 1e9,
            blocking: (i + round) % 2 === 0,
            gate,
            parties,
          })
        : worker.run('consume', { name: 'queue', blocking: (i + round) % 2 === 1, gate, parties }),
    )
    await until(() => queue.getStats().getCount >= 3 * round, 'the items flow')
    queue.close()
    const [first, second, ...taken] = (await Promise.all(running)) as [number, number, ...[number, number][][]]
    const count = (producer: number) => taken.flat().filter(([p]) => p === producer).length
    expect([count(0), count(1)]).toEqual([first, second])
    expect(queue.getStats()).toMatchObject({ putCount: first + second, getCount: first + second, errors: 0 })
  }
})

test('close ends the waiting calls of its own thread before it returns: what comes then changes nothing', async () => {
  const [empty, full] = [new ThreadSafeQueue<number>(), new ThreadSafeQueue<number>({ capacity: 1 })]
  full.putSync(1)
  const controller = new AbortController()
  const { signal } = controller
  const waits = [empty.get({ signal }), empty.get(), full.put(2, { signal }), full.put(3)].map(rejectionOf)
  empty.close()
  full.close()
  controller.abort('too late')
  expect(full.getSync()).toBe(1)
  for (const failure of await Promise.all(waits)) expect(failure).toMatchObject(closed)
  expect([empty.getStats(), full.getStats()]).toMatchObject([
    { putCount: 0, getCount: 0, errors: 0 },
    { putCount: 1, getCount: 1, errors: 0 },
  ])
})
