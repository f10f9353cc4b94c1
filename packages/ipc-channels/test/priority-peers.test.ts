import { ThreadSafePriorityQueue } from '@heddle/ipc-channels'
import { Segment } from '@heddle/shared-memory'
import { afterAll, describe, expect, test } from '@jest/globals'
import { PriorityPeer } from './support/priority-peer.js'
import { rejectionOf, until } from './support/until.js'

type Taken = readonly [producer: number, number: number, priority: number]

const segment = Segment.create({ size: 1 << 20 })
afterAll(() => segment.close())

const homes = [
  { name: 'threads', kind: 'thread', options: {} },
  { name: 'processes', kind: 'process', options: { memory: segment } },
] as const

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

/** Puts as much as it holds, and takes it: all of its room is there. */
async function expectAllRoom(queue: ThreadSafePriorityQueue<unknown>): Promise<void> {
  const { capacity, capacityBytes } = queue
  const large = 'x'.repeat(capacityBytes - 1)
  await queue.put(large, { timeout: 5_000 })
  expect(queue.tryPut('')).toBe(false)
  expect(queue.getSync({ timeout: 5_000 })).toBe(large)
  for (const n of upTo(capacity)) queue.putSync(n, { priority: n, timeout: 0 })
  expect(queue.tryPut('')).toBe(false)
  expect(queue.tryGetMany(capacity)).toEqual(upTo(capacity).reverse())
}

describe.each(homes)('between $name', ({ kind, options }) => {
  test('each item arrives once, whole, and those of one producer and one priority in their order', async () => {
    const queue = new ThreadSafePriorityQueue<never>({ capacity: 7, capacityBytes: 2_000, ...options })
    const peers = await Promise.all(upTo(4).map(() => PriorityPeer[kind]({ queue })))
    const [first, second, ...producers] = peers
    const consuming = [first, second].map((peer, n) => peer?.run('consume', { name: 'queue', blocking: n === 0 }))
    const count = 100
    await Promise.all(
      producers.map((peer, producer) =>
        peer.run('produce', { name: 'queue', producer, count, blocking: producer === 0 }),
      ),
    )
    queue.close()
    const lists: Taken[][] = await Promise.all(consuming)
    const all = lists.flat().map(([producer, number]) => `${producer}:${number}`)
    expect(all.sort()).toEqual([0, 1].flatMap((producer) => upTo(count).map((n) => `${producer}:${n}`)).sort())
    for (const list of lists)
      for (const producer of [0, 1])
        for (const priority of [0, 1, 2]) {
          const numbers = list.filter(([p, , r]) => p === producer && r === priority).map(([, number]) => number)
          expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
        }
    expect(queue.getStats()).toMatchObject({ putCount: 2 * count, getCount: 2 * count, errors: 0, size: 0 })
  })

  test('what is inside leaves by priority, whoever takes it', async () => {
    const queue = new ThreadSafePriorityQueue<never>({ capacity: 300, capacityBytes: 150_000, ...options })
    const [one, other] = [await PriorityPeer[kind]({ queue }), await PriorityPeer[kind]({ queue })]
    await Promise.all([one, other].map((peer, producer) => peer.run('produce', { name: 'queue', producer, count: 90 })))
    queue.close()
    const lists: Taken[][] = await Promise.all(
      [one, other].map((peer) => peer.run('consume', { name: 'queue', blocking: true })),
    )
    expect(lists.flat()).toHaveLength(180)
    for (const list of lists) {
      const priorities = list.map(([, , priority]) => priority)
      expect(priorities).toEqual([...priorities].sort((a, b) => b - a))
    }
  })

  test('a get that blocks is woken by a put, and a put that blocks by a get, in another', async () => {
    const [there, back] = [0, 1].map(
      () => new ThreadSafePriorityQueue<number>({ capacity: 1, capacityBytes: 100, ...options }),
    ) as [ThreadSafePriorityQueue<number>, ThreadSafePriorityQueue<number>]
    const peer = await PriorityPeer[kind]({ there: there as never, back: back as never })
    for (const n of upTo(10)) {
      const got = peer.call('there', 'getSync')
      await there.put(n, { priority: n })
      expect(await got).toBe(n)
      back.putSync(n)
      const put = peer.call('back', 'putSync', n + 1, { priority: 9 })
      expect(await back.get()).toBe(n)
      expect(await back.get()).toBe(n + 1)
      await put
    }
  })

  test('those who are killed while they put and get leave all that is whole inside, in order, and all room', async () => {
    const queue = new ThreadSafePriorityQueue<never>({ capacity: 8, capacityBytes: 1_800, ...options })
    let items = 0
    for (const round of upTo(kind === 'thread' ? 5 : 3)) {
      const peers = await Promise.all(upTo(1 + (round % 2)).map(() => PriorityPeer[kind]({ queue })))
      for (const [producer, peer] of peers.entries()) void peer.run('churn', { name: 'queue', producer })
      const begun = queue.getStats().putCount
      await until(() => queue.getStats().putCount > begun + 60 + round * 41, 'they churn')
      await Promise.all(peers.map((peer) => peer.kill()))

      const left: { number: number; priority: number; filling: string }[] = []
      for (let next = queue.tryGet(); next; next = queue.tryGet()) left.push(next.item)
      for (const { number, filling } of left) expect(filling).toBe(`${number % 10}`.repeat((number * 37) % 400))
      const priorities = left.map(({ priority }) => priority)
      expect(priorities).toEqual([...priorities].sort((a, b) => b - a))
      const { putCount, getCount, size } = queue.getStats()
      expect({ size, uncounted: putCount - getCount }).toEqual({ size: 0, uncounted: 0 })
      items += left.length
      await expectAllRoom(queue)
    }
    expect(items).toBeGreaterThan(0)
  })

  test('when all registered producers have died, getters take what is left and then get ERR_PEER_GONE', async () => {
    const queue = new ThreadSafePriorityQueue<number>({ capacity: 4, capacityBytes: 100, ...options })
    const peer = await PriorityPeer[kind]({ queue: queue as never })
    await peer.run('register', { name: 'queue', side: 'registerProducer' })
    await peer.call('queue', 'putMany', [1, 2], { priority: 3 })
    await peer.call('queue', 'put', 3, { priority: 4 })
    await peer.kill()
    expect([await queue.get(), ...(await queue.getMany(5))]).toEqual([3, 1, 2])
    expect(await rejectionOf(queue.get({ timeout: 10_000 }))).toMatchObject({
      name: 'BrokenError',
      code: 'ERR_PEER_GONE',
    })
  })

  test('join does not wait for what one had taken who has died', async () => {
    const queue = new ThreadSafePriorityQueue<number>({ capacity: 4, capacityBytes: 100, ...options })
    const peer = await PriorityPeer[kind]({ queue: queue as never })
    queue.putSync(1, { priority: 1 })
    queue.putSync(2)
    expect(await peer.call('queue', 'getSync')).toBe(1)
    expect(queue.getSync()).toBe(2)
    queue.taskDone()
    expect(queue.getStats().unfinished).toBe(1)
    const joining = queue.join({ timeout: 10_000 })
    await peer.kill()
    await joining
    expect(queue.getStats().unfinished).toBe(0)
  })
})
