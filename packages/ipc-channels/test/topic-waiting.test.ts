import { Topic } from '@heddle/ipc-channels'
import { describe, expect, test } from '@jest/globals'
import { takeAll } from './support/topic-peer.js'
import { rejectionOf, thrownBy } from './support/until.js'

describe('waiting', () => {
  test('receivers that wait get messages in the order they came, and tryReceive does not pass them', async () => {
    const topic = new Topic<number>()
    const subscription = topic.subscribe()
    const waiting = [subscription.receive(), subscription.receive()]
    expect(subscription.tryReceive()).toBeUndefined()
    for (const n of [1, 2, 3]) topic.publishSync(n)
    expect(subscription.tryReceive()).toEqual({ message: 3, lost: 0 })
    expect(await Promise.all(waiting)).toEqual([1, 2])
  })

  test('publishers that wait publish in the order they came, and tryPublish does not pass them', async () => {
    const topic = new Topic<number>({ capacity: 1 })
    const subscription = topic.subscribe()
    topic.publishSync(0)
    const waiting = [topic.publish(1), topic.publish(2)]
    expect(topic.tryPublish(9)).toBe(false)
    expect([await subscription.receive(), await subscription.receive(), await subscription.receive()]).toEqual([
      0, 1, 2,
    ])
    await Promise.all(waiting)
  })

  test('a thread that blocks for a message first publishes what waits in it, and the other way round', async () => {
    const topic = new Topic<number>({ capacity: 1 })
    const subscription = topic.subscribe()
    topic.publishSync(1)
    const publishing = topic.publish(2)
    expect([subscription.receiveSync(), subscription.receiveSync()]).toEqual([1, 2])
    await publishing
    const receiving = [subscription.receive(), subscription.receive()]
    for (const n of [3, 4]) topic.publishSync(n, { timeout: 1_000 })
    expect(await Promise.all(receiving)).toEqual([3, 4])
  })

  test('time-outs are exact from below and leave nothing behind', async () => {
    const topic = new Topic<number>({ capacity: 1 })
    const subscription = topic.subscribe()
    const begun = performance.now()
    await expect(subscription.receive({ timeout: 20 })).rejects.toMatchObject({
      name: 'QueueEmptyError',
      code: 'ERR_TIMEOUT',
    })
    expect(thrownBy(() => subscription.receiveSync({ timeout: 20 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    topic.publishSync(1)
    await expect(topic.publish(2, { timeout: 20 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT', item: 2 })
    expect(thrownBy(() => topic.publishSync(2, { timeout: 20 }))).toMatchObject({ code: 'ERR_TIMEOUT', item: 2 })
    expect(performance.now() - begun).toBeGreaterThanOrEqual(80)
    expect(takeAll(subscription)).toEqual([1])
  })

  test('a signal ends the wait with its reason as given, and nothing is published or received', async () => {
    const topic = new Topic<number>({ capacity: 1 })
    const subscription = topic.subscribe()
    const controller = new AbortController()
    const { signal } = controller
    const receiving = rejectionOf(subscription.receive({ signal }))
    controller.abort('enough')
    expect(await receiving).toBe('enough')
    topic.publishSync(1)
    const other = new AbortController()
    const publishing = rejectionOf(topic.publish(2, { signal: other.signal }))
    other.abort('enough')
    expect(await publishing).toBe('enough')
    expect(await rejectionOf(topic.publish(3, { signal }))).toBe('enough')
    expect(await rejectionOf(subscription.receive({ signal }))).toBe('enough')
    expect(takeAll(subscription)).toEqual([1])
  })
})

describe('the end', () => {
  test('close: what is pending is still received, then ClosedError, and loops end', async () => {
    const topic = new Topic<number>()
    const [subscription, looping] = [topic.subscribe(), topic.subscribe()]
    const seen: number[] = []
    const loop = (async () => {
      for await (const message of looping) seen.push(message)
    })()
    for (const n of [1, 2]) topic.publishSync(n)
    topic.close()
    topic.close()
    expect([topic.closed, topic.getStats().closed]).toEqual([true, true])
    expect([subscription.receiveSync(), await subscription.receive()]).toEqual([1, 2])
    const closed = { name: 'ClosedError', code: 'ERR_CLOSED' }
    await expect(subscription.receive()).rejects.toMatchObject(closed)
    expect(thrownBy(() => subscription.tryReceive())).toMatchObject(closed)
    expect(thrownBy(() => subscription.receiveSync())).toMatchObject(closed)
    await expect(topic.publish(3)).rejects.toMatchObject(closed)
    expect(thrownBy(() => topic.tryPublish(3))).toMatchObject(closed)
    expect(thrownBy(() => topic.publishSync(3))).toMatchObject(closed)
    await loop
    expect(seen).toEqual([1, 2])
    for await (const message of topic.subscribe()) throw new Error(`a late subscription saw ${message}`)
  })

  test('close wakes all who wait', async () => {
    const topic = new Topic<number>({ capacity: 1 })
    const [full, empty] = [topic.subscribe(), topic.subscribe()]
    topic.publishSync(1)
    await empty.receive()
    const waiting = [topic.publish(2), topic.publish(3), empty.receive(), empty.receive()].map(rejectionOf)
    topic.close()
    for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: 'ERR_CLOSED' })
    expect(takeAll.bind(undefined, full)).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })

  test('closing a subscription lets publishers go, frees its place and ends its calls', async () => {
    const topic = new Topic<number>({ capacity: 1, maxSubscribers: 2 })
    const [holding, waiting] = [topic.subscribe(), topic.subscribe()]
    const receiving = [waiting.receive(), waiting.receive(), waiting.receive()]
    topic.publishSync(1)
    const publishing = topic.publish(2)
    holding.close()
    holding.close()
    await publishing
    expect(await Promise.all(receiving.slice(0, 2))).toEqual([1, 2])
    waiting.close()
    await expect(receiving[2]).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(thrownBy(() => holding.tryReceive())).toMatchObject({ code: 'ERR_CLOSED' })
    expect([holding.pending, topic.getStats().subscribers]).toEqual([0, 0])
    {
      using a = topic.subscribe()
      using b = topic.subscribe()
      expect([a.pending, b.pending, topic.getStats().subscribers]).toEqual([0, 0, 2])
    }
    expect(topic.getStats().subscribers).toBe(0)
  })

  test('a loop ends when its subscription is closed, and leaving it leaves the subscription open', async () => {
    const topic = new Topic<number>()
    const subscription = topic.subscribe()
    for (const n of [1, 2, 3]) topic.publishSync(n)
    for await (const message of subscription) if (message === 2) break
    expect(subscription.pending).toBe(1)
    for await (const message of subscription) {
      expect(message).toBe(3)
      subscription.close()
    }
  })
})
