import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { describe, expect, test } from '@jest/globals'
import { QueueWorker } from './support/queue-worker.js'
import { rejectionOf, thrownBy, turnsOfTheLoop, until } from './support/until.js'

function filled<T>(...items: T[]): ThreadSafeQueue<T> {
  const queue = new ThreadSafeQueue<T>()
  queue.putManySync(items)
  return queue
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const settle = () => {
    settled = true
  }
  promise.then(settle, settle)
  await turnsOfTheLoop()
  return !settled
}

describe('join', () => {
  test('of an empty queue returns at once', async () => {
    const queue = new ThreadSafeQueue()
    queue.joinSync({ timeout: 0 })
    await queue.join({ timeout: 0 })
    expect(queue.getStats().unfinished).toBe(0)
  })

  test('returns exactly when all items are done, and not when they are taken', async () => {
    const queue = filled(1, 2, 3)
    const joined = queue.join()
    for (let item = 1; item <= 3; item++) expect(await queue.get()).toBe(item)
    expect([await isPending(joined), queue.getStats().unfinished]).toEqual([true, 3])
    queue.taskDone(2)
    expect(await isPending(joined)).toBe(true)
    queue.taskDone()
    await joined
    expect(queue.getStats().unfinished).toBe(0)
  })

  test('blocks until another thread has done what it took', async () => {
    const queue = filled('work')
    const worker = await QueueWorker.withQueues({ queue })
    expect(await worker.run('get', { name: 'queue' })).toBe('work')
    expect(thrownBy(() => queue.joinSync({ timeout: 3 }))).toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
    const done = worker.run('taskDone', { name: 'queue' })
    queue.joinSync()
    await done
  })

  test('in other threads is told by this one', async () => {
    const queue = filled('work')
    const workers = await Promise.all([0, 1].map(() => QueueWorker.withQueues({ queue })))
    const joins = workers.map((worker, i) => worker.run(i === 0 ? 'join' : 'joinSync', { name: 'queue' }))
    queue.getSync()
    expect(await isPending(Promise.race(joins))).toBe(true)
    queue.taskDone()
    await Promise.all(joins)
  })

  test.each([
    {
      what: 'the last item is done',
      end: (queue: ThreadSafeQueue<number>) => {
        queue.getSync()
        queue.taskDone()
      },
    },
    {
      what: 'all that is inside is taken out',
      end: (queue: ThreadSafeQueue<number>) => {
        queue.shutdown({ immediate: true })
      },
    },
  ])('is told when $what, and does not find out by looking', async ({ end }) => {
    // Who is not told looks again after 50 ms.
    const rounds = 40
    const begun = performance.now()
    for (let round = 0; round < rounds; round++) {
      const queue = filled(round)
      const joined = queue.join()
      end(queue)
      await joined
    }
    expect(performance.now() - begun).toBeLessThan((rounds * 50) / 2)
  })

  test('gives up by its time and by its signal, and leaves the items as they are', async () => {
    const queue = filled(1)
    expect(await rejectionOf(queue.join({ timeout: 2 }))).toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT' })
    expect(await rejectionOf(queue.join({ timeout: 0 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(await rejectionOf(queue.join({ signal: AbortSignal.abort('no') }))).toBe('no')
    const controller = new AbortController()
    const joining = rejectionOf(queue.join({ signal: controller.signal }))
    controller.abort('enough')
    expect(await joining).toBe('enough')
    expect(queue.getStats()).toMatchObject({ size: 1, unfinished: 1 })
  })

  test('does not wait for what a thread had taken that has died: it is lost', async () => {
    const queue = filled('lost', 'kept')
    const worker = await QueueWorker.withQueues({ queue })
    expect(await worker.run('get', { name: 'queue' })).toBe('lost')
    const joined = queue.join()
    expect(queue.getSync()).toBe('kept')
    queue.taskDone()
    expect(await isPending(joined)).toBe(true)
    await worker.terminate()
    await joined
  })
})

describe('taskDone', () => {
  test('more often than items were taken is ERR_OVER_RELEASE and changes nothing', async () => {
    const queue = filled(1, 2)
    expect(thrownBy(() => queue.taskDone())).toMatchObject({ name: 'LockStateError', code: 'ERR_OVER_RELEASE' })
    queue.getSync()
    expect(thrownBy(() => queue.taskDone(2))).toMatchObject({ code: 'ERR_OVER_RELEASE' })
    queue.taskDone()
    expect(thrownBy(() => queue.taskDone())).toMatchObject({ code: 'ERR_OVER_RELEASE' })
    queue.getSync()
    queue.taskDone()
    await queue.join()
  })

  test('says it of what another thread has taken, when this one has taken nothing', async () => {
    const queue = filled(1, 2, 3)
    const worker = await QueueWorker.withQueues({ queue })
    await worker.run('getMany', { name: 'queue', most: 2 })
    queue.getSync()
    queue.taskDone(3)
    await queue.join()
    await expect(worker.run('taskDone', { name: 'queue' })).rejects.toMatchObject({ code: 'ERR_OVER_RELEASE' })
  })

  test.each([0, -1, 0.5, Number.NaN, '1'])('of %p items is refused', (items) => {
    const queue = filled(1)
    queue.getSync()
    expect(thrownBy(() => queue.taskDone(items as number))).toHaveProperty(
      'code',
      typeof items === 'string' ? 'ERR_INVALID_ARG' : 'ERR_OUT_OF_RANGE',
    )
    queue.taskDone()
  })
})

describe('shutdown', () => {
  test('without more closes: what is inside can be taken', async () => {
    const queue = filled(1, 2)
    expect(queue.shutdown()).toEqual([])
    expect([queue.closed, thrownBy(() => queue.putSync(3))]).toMatchObject([true, { code: 'ERR_CLOSED' }])
    expect([queue.getSync(), await queue.get()]).toEqual([1, 2])
    expect(await rejectionOf(queue.get())).toMatchObject({ code: 'ERR_CLOSED' })
    queue.taskDone(2)
    await queue.join()
  })

  test('at once gives back what was inside, and frees getters, putters and joiners in all threads', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 2 })
    queue.putManySync([1, 2])
    const worker = await QueueWorker.withQueues({ queue })
    const joins = [queue.join(), worker.run('joinSync', { name: 'queue' })]
    const put = rejectionOf(queue.put(3))
    await until(() => queue.getStats().unfinished === 2, 'all is set up')
    expect(queue.shutdown({ immediate: true })).toEqual([1, 2])
    await Promise.all(joins)
    expect(await put).toMatchObject({ code: 'ERR_CLOSED' })
    for (const failure of [
      thrownBy(() => queue.tryGet()),
      await rejectionOf(queue.get()),
      thrownBy(() => queue.tryPut(1)),
    ])
      expect(failure).toMatchObject({ code: 'ERR_CLOSED' })
    expect(thrownBy(() => queue.taskDone())).toMatchObject({ code: 'ERR_OVER_RELEASE' })
    expect([queue.size, queue.shutdown({ immediate: true })]).toEqual([0, []])
    expect(queue.getStats()).toMatchObject({ putCount: 2, getCount: 2, unfinished: 0, closed: true })
  })

  test('at once leaves what was taken before to be done', async () => {
    const queue = filled(1, 2)
    queue.getSync()
    expect(queue.shutdown({ immediate: true })).toEqual([2])
    expect(await rejectionOf(queue.join({ timeout: 1 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    queue.taskDone()
    await queue.join()
  })

  test('with a bad option is ERR_INVALID_ARG, and the queue stays open', () => {
    const queue = filled(1)
    for (const options of [null, 5, { immediate: 'yes' }])
      expect(thrownBy(() => queue.shutdown(options as never))).toMatchObject({ code: 'ERR_INVALID_ARG' })
    expect(queue.closed).toBe(false)
  })
})

describe('registered ends', () => {
  test('getters drain and end when the last producer has left; one that comes later opens the queue again', async () => {
    const queue = new ThreadSafeQueue<number>()
    const [first, second] = [queue.registerProducer(), queue.registerProducer()]
    const waiting = queue.get()
    queue.putSync(1)
    expect(await waiting).toBe(1)
    first.unregister()
    first.unregister()
    const pending = rejectionOf(queue.get())
    expect(await isPending(pending)).toBe(true)
    queue.putManySync([2, 3])
    expect(await pending.catch((error: Error) => error.message)).toContain('fulfilled with 2')
    second.unregister()
    expect([queue.getSync(), thrownBy(() => queue.getSync())]).toMatchObject([3, { code: 'ERR_CLOSED' }])
    expect(queue.closed).toBe(false)
    using third = queue.registerProducer()
    expect(queue.tryGet()).toBeUndefined()
    expect(third).toBeDefined()
  })

  test('a for await over the queue ends when its producers have left, and throws when one of them has died', async () => {
    const queue = new ThreadSafeQueue<number>()
    const worker = await QueueWorker.withQueues({ queue })
    await worker.run('register', { name: 'queue', side: 'producer' })
    await worker.run('putMany', { name: 'queue', items: [1, 2] })
    const left = worker.run('unregister', { name: 'queue' })
    const items: number[] = []
    for await (const item of queue) items.push(item)
    await left
    expect(items).toEqual([1, 2])
    await worker.run('register', { name: 'queue', side: 'producer' })
    await worker.run('putSync', { name: 'queue', item: 3 })
    const loop = async () => {
      for await (const item of queue) items.push(item)
    }
    // At once: the death may be told before terminate() has come to its end.
    const rejection = rejectionOf(loop())
    await until(() => queue.size === 0, 'it waits for more')
    await worker.terminate()
    expect(await rejection).toMatchObject({ name: 'BrokenError', code: 'ERR_PEER_GONE' })
    expect(items).toEqual([1, 2, 3])
  })

  test('putters that wait are told when the last consumer has left or died, and blocked ones wake', async () => {
    const queue = new ThreadSafeQueue<number>({ capacity: 1 })
    queue.putSync(1)
    const consumer = queue.registerConsumer()
    const waiting = rejectionOf(queue.put(2))
    expect(await isPending(waiting)).toBe(true)
    consumer.unregister()
    expect(await waiting).toMatchObject({ code: 'ERR_CLOSED' })
    const worker = await QueueWorker.withQueues({ queue })
    await worker.run('register', { name: 'queue', side: 'consumer' })
    const again = rejectionOf(queue.put(2))
    expect(await isPending(again)).toBe(true)
    await worker.terminate()
    expect(await again).toMatchObject({ code: 'ERR_PEER_GONE' })
    expect(thrownBy(() => queue.putSync(2))).toMatchObject({ code: 'ERR_PEER_GONE' })
    expect(queue.getSync()).toBe(1)
  })

  test('a registration is taken back at the end of its block', () => {
    const queue = new ThreadSafeQueue<number>()
    {
      using producer = queue.registerProducer()
      expect([producer, queue.tryGet()]).toEqual([producer, undefined])
    }
    expect(thrownBy(() => queue.tryGet())).toMatchObject({ code: 'ERR_CLOSED' })
  })

  test('the registration of a dead thread stays known when its place has another thread', async () => {
    const queue = new ThreadSafeQueue<number>()
    const worker = await QueueWorker.withQueues({ queue })
    await worker.run('register', { name: 'queue', side: 'producer' })
    await worker.terminate()
    expect(thrownBy(() => queue.getSync({ timeout: 5_000 }))).toMatchObject({ code: 'ERR_PEER_GONE' })
    const next = await QueueWorker.withQueues({ queue })
    await next.run('register', { name: 'queue', side: 'producer' })
    expect(queue.tryGet()).toBeUndefined()
    await next.run('unregister', { name: 'queue' })
    expect(thrownBy(() => queue.tryGet())).toMatchObject({ code: 'ERR_PEER_GONE' })
  })
})
