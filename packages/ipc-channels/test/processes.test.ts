import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { Segment } from '@heddle/shared-memory'
import { Mutex } from '@heddle/sync-primitives'
import { afterEach, describe, expect, test } from '@jest/globals'
import { own } from './support/own.js'
import { QueueProcess, QueueWorker } from './support/queue-worker.js'
import { rejectionOf, thrownBy, turnsOfTheLoop, until } from './support/until.js'

const segments: Segment[] = []
afterEach(() => {
  for (const segment of segments.splice(0)) segment.close()
})

function newSegment(name: string): Segment {
  const segment = Segment.create({ name: own(name), size: 1 << 20 })
  segments.push(segment)
  return segment
}

function queueIn<T>(segment: Segment, capacity = 10): ThreadSafeQueue<T> {
  return new ThreadSafeQueue<T>({ memory: segment, capacity, capacityBytes: 20_000 })
}

const armed = (queue: ThreadSafeQueue<never>, segment: Segment, word: number) =>
  (Atomics.load(segment.words, (queue.toHandle().index as number) + word) & 1) === 1
const [ITEMS, ROOM] = [4, 5]

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

test.each([
  ['getSync', 'putSync'],
  ['get', 'put'],
  ['getSync', 'put'],
  ['get', 'putSync'],
])('%s in another process is woken by %s here, and the other way round', async (get, put) => {
  const segment = newSegment('woken')
  const [there, back] = [queueIn<number>(segment, 1), queueIn<number>(segment, 1)]
  const peer = await QueueProcess.withQueues({ there, back })
  for (let round = 0; round < 10; round++) {
    const got = peer.run(get, { name: 'there' })
    await until(() => armed(there as never, segment, ITEMS), 'the getter waits')
    if (put === 'put') await there.put(round)
    else there.putSync(round)
    expect(await got).toBe(round)
    back.putSync(-1)
    const full = peer.run(put, { name: 'back', item: round })
    await until(() => armed(back as never, segment, ROOM), 'the putter waits')
    expect(get === 'get' ? [await back.get(), await back.get()] : [back.getSync(), back.getSync()]).toEqual([-1, round])
    await full
  }
})

test('full and empty are told to every process, at once and after a time', async () => {
  const queue = queueIn<number>(newSegment('full'), 1)
  const peer = await QueueProcess.withQueues({ queue })
  await expect(peer.run('get', { name: 'queue', options: { timeout: 0 } })).rejects.toMatchObject({
    name: 'QueueEmptyError',
  })
  await expect(peer.run('getSync', { name: 'queue', options: { timeout: 5 } })).rejects.toMatchObject({
    code: 'ERR_TIMEOUT',
  })
  expect(await peer.run('tryPut', { name: 'queue', item: 1 })).toBe(true)
  expect([queue.tryPut(2), thrownBy(() => queue.putSync(2, { timeout: 2 }))]).toMatchObject([
    false,
    { name: 'QueueFullError', item: 2 },
  ])
  await expect(peer.run('put', { name: 'queue', item: 3, options: { timeout: 5 } })).rejects.toMatchObject({ item: 3 })
  expect(await peer.run('getStats', { name: 'queue' })).toMatchObject({ putCount: 1, getCount: 0, errors: 5, size: 1 })
})

test('several producers and consumers in processes and threads: each item arrives once, whole, in its producer’s order', async () => {
  const queue = queueIn<unknown>(newSegment('many'), 20)
  const producers = await Promise.all([
    QueueProcess.withQueues({ queue }),
    QueueProcess.withQueues({ queue }),
    QueueWorker.withQueues({ queue }),
  ])
  const consumers = await Promise.all([QueueProcess.withQueues({ queue }), QueueWorker.withQueues({ queue })])
  const count = 300
  const producing = producers.map((side, producer) =>
    side.run('produce', { name: 'queue', producer, count, blocking: producer === 0 }),
  )
  const consuming = consumers.map((side, i) => side.run('consume', { name: 'queue', blocking: i === 0 }))
  expect(await Promise.all(producing)).toEqual([count, count, count])
  queue.close()
  const taken = (await Promise.all(consuming)) as [number, number][][]
  for (const each of taken)
    for (const producer of [0, 1, 2]) {
      const own = each.filter(([p]) => p === producer).map(([, number]) => number)
      expect(own).toEqual([...own].sort((a, b) => a - b))
    }
  const all = taken.flat().map(([producer, number]) => producer * count + number)
  expect(all.sort((a, b) => a - b)).toEqual(numbers(3 * count))
  expect(queue.getStats()).toMatchObject({ putCount: 3 * count, getCount: 3 * count, size: 0 })
})

test('values of all kinds arrive as they are, through another process and back', async () => {
  const segment = newSegment('values')
  const [there, back] = [queueIn<unknown>(segment, 20), queueIn<unknown>(segment, 20)]
  const peer = await QueueProcess.withQueues({ there, back })
  const mutex = new Mutex({ memory: segment })
  const cyclic: { self?: unknown; list: number[] } = { list: [1] }
  cyclic.self = cyclic
  const items = [
    new Map([['a', new Set([1n])]]),
    new Date(5),
    new Float64Array([1.5, -0]),
    cyclic,
    Object.assign(new TypeError('why', { cause: new RangeError('far') }), { code: 'E_WHY' }),
    'a 🧵 of text',
    undefined,
  ]
  await there.putMany([...items, { mutex }])
  await peer.run('move', { from: 'there', to: 'back', count: items.length + 1 })
  expect(await back.getMany(items.length)).toEqual(items)
  const { mutex: opened } = back.getSync() as { mutex: Mutex }
  using guard = opened.acquireSync()
  expect([guard.ownerDied, mutex.tryAcquire()]).toEqual([false, undefined])
})

test('what cannot travel to another process is refused with its path before anything is put, and the next item arrives', async () => {
  const queue = queueIn<unknown>(newSegment('refused'))
  const peer = await QueueProcess.withQueues({ queue })
  const bad: [unknown, string][] = [
    [{ a: [() => {}] }, '.a[0]'],
    [[new SharedArrayBuffer(4)], '[0]'],
    [{ q: new ThreadSafeQueue() }, '.q.toHandle().buffer'],
  ]
  for (const [item, path] of bad)
    expect(await rejectionOf(queue.put(item))).toMatchObject({ code: 'ERR_NOT_CLONEABLE', path })
  expect(queue.getStats()).toMatchObject({ putCount: 0, size: 0 })
  queue.putSync('next')
  expect(await peer.run('get', { name: 'queue' })).toBe('next')
})

describe('closing reaches every process', () => {
  test('gently: who waits is woken, what is inside can be taken', async () => {
    const segment = newSegment('close')
    const [empty, full] = [queueIn<number>(segment), queueIn<number>(segment, 1)]
    full.putSync(1)
    const peers = await Promise.all([0, 1].map(() => QueueProcess.withQueues({ empty, full })))
    const waits = [
      peers[0]?.run('getSync', { name: 'empty' }),
      peers[1]?.run('get', { name: 'empty' }),
      peers[1]?.run('put', { name: 'full', item: 2 }),
    ]
    await until(() => armed(empty as never, segment, ITEMS) && armed(full as never, segment, ROOM), 'they wait')
    await peers[1]?.run('close', { name: 'empty' })
    full.close()
    for (const wait of waits) await expect(wait).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(full.getSync()).toBe(1)
    expect(thrownBy(() => empty.getSync())).toMatchObject({ code: 'ERR_CLOSED' })
  })

  test('at once: what is inside comes back here, joiners are freed, and nobody else gets anything', async () => {
    const queue = queueIn<number>(newSegment('shut'))
    queue.putManySync([1, 2, 3])
    const peer = await QueueProcess.withQueues({ queue })
    const joined = peer.run('joinSync', { name: 'queue' })
    expect(queue.shutdown({ immediate: true })).toEqual([1, 2, 3])
    await joined
    for (const form of ['get', 'getSync', 'tryGet'])
      await expect(peer.run(form, { name: 'queue' })).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    await expect(peer.run('taskDone', { name: 'queue' })).rejects.toMatchObject({ code: 'ERR_OVER_RELEASE' })
  })
})

describe('a process that is killed', () => {
  test('while it waits for an item takes nothing with it', async () => {
    const segment = newSegment('killed-getter')
    const queue = queueIn<number>(segment)
    for (const form of ['get', 'getSync']) {
      const victim = await QueueProcess.withQueues({ queue })
      void victim.run(form, { name: 'queue' })
      await until(() => armed(queue as never, segment, ITEMS), 'it waits')
      await victim.terminate()
      queue.putSync(1)
      expect(await queue.get({ timeout: 5_000 })).toBe(1)
    }
  })

  test('with items that it has not done holds up no join', async () => {
    const queue = queueIn<number>(newSegment('killed-worker'))
    queue.putManySync([1, 2])
    const victim = await QueueProcess.withQueues({ queue })
    expect(await victim.run('getMany', { name: 'queue', most: 2 })).toEqual([1, 2])
    const joined = queue.join()
    await victim.terminate()
    await joined
    expect(queue.getStats()).toMatchObject({ unfinished: 0, getCount: 2 })
  })

  test('as the last producer is told to those who wait, after they have what it had put', async () => {
    const queue = queueIn<number>(newSegment('killed-producer'))
    const victim = await QueueProcess.withQueues({ queue })
    await victim.run('register', { name: 'queue', side: 'producer' })
    await victim.run('putMany', { name: 'queue', items: [1, 2] })
    await victim.terminate()
    expect([await queue.get(), queue.getSync()]).toEqual([1, 2])
    expect(await rejectionOf(queue.get())).toMatchObject({ name: 'BrokenError', code: 'ERR_PEER_GONE' })
  })

  test('and one that is stopped is not taken for dead', async () => {
    const queue = queueIn<number>(newSegment('stopped'))
    const slow = await QueueProcess.withQueues({ queue })
    await slow.run('register', { name: 'queue', side: 'producer' })
    slow.signal('SIGSTOP')
    expect(await rejectionOf(queue.get({ timeout: 300 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    slow.signal('SIGCONT')
    await slow.run('putSync', { name: 'queue', item: 1 })
    expect(await queue.get()).toBe(1)
  })
})

test('a queue in a closed segment throws ERR_CLOSED in every form, and what waits ends', async () => {
  const segment = newSegment('closed')
  const queue = queueIn<number>(segment, 1)
  queue.putSync(1)
  const waits = [queue.put(2), queue.join()].map(rejectionOf)
  const empty = queueIn<number>(segment)
  const loop = (async () => {
    for await (const item of empty) throw new Error(`got ${item}`)
  })()
  const looping = rejectionOf(loop)
  await turnsOfTheLoop()
  segment.close()
  for (const failure of await Promise.all([...waits, looping])) expect(failure).toMatchObject({ code: 'ERR_CLOSED' })
  for (const call of [
    () => queue.tryPut(1),
    () => queue.tryGet(),
    () => queue.putSync(1),
    () => queue.getSync(),
    () => queue.putManySync([1]),
    () => queue.tryGetMany(2),
    () => queue.size,
    () => queue.closed,
    () => queue.getStats(),
    () => queue.taskDone(),
    () => queue.joinSync(),
    () => queue.close(),
    () => queue.shutdown({ immediate: true }),
    () => queue.registerProducer(),
  ])
    expect(thrownBy(call)).toMatchObject({ code: 'ERR_CLOSED' })
  expect(queue.toHandle()).toMatchObject({ kind: 'ipc-channels/ThreadSafeQueue' })
})

test('a named queue is found by another process, and its handle is JSON', async () => {
  const segment = newSegment('named')
  const queue = segment.getOrCreate('jobs', () => queueIn<number>(segment))
  queue.putSync(7)
  const handle = JSON.parse(JSON.stringify(queue.toHandle()))
  expect(ThreadSafeQueue.fromHandle<number>(handle).getSync()).toBe(7)
  const again = segment.getOrCreate('jobs', () => {
    throw new Error('it is there')
  })
  expect(again).toBeInstanceOf(ThreadSafeQueue)
  expect(segment.dispose(again)).toBe(true)
  expect(thrownBy(() => ThreadSafeQueue.fromHandle(handle))).toMatchObject({ code: 'ERR_BAD_HANDLE' })
})
