import { setTimeout as delay } from 'node:timers/promises'
import { type Cluster, ClusterTopic, type LocalServer, QueueEmptyError } from '@heddle/cluster-pool'
import { ClosedError } from '@heddle/pool-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type QueueProcess, startQueueProcess } from './fixtures/queue-processes.mjs'
import { connect, engines, startServer } from './support/servers.js'
import { rejectionOf, until } from './support/until.js'

describe.each(engines)('a topic on %s', (engine) => {
  let server: LocalServer
  let cluster: Cluster
  let other: Cluster
  let topics = 0
  let name = ''
  const programs: QueueProcess[] = []

  beforeAll(async () => {
    server = await startServer(engine)
    cluster = await connect(server)
    other = await connect(server, { prefix: cluster.prefix })
  }, 60_000)
  afterAll(async () => {
    await cluster.close()
    await other.close()
    await server.stop()
  })
  beforeEach(() => {
    topics += 1
    name = `topic-${topics}`
  })
  afterEach(async () => {
    await Promise.all(programs.splice(0).map((program) => program[Symbol.asyncDispose]()))
  })

  const open = () => new ClusterTopic<unknown>(cluster, name)
  const openElsewhere = () => new ClusterTopic<unknown>(other, name)

  test('all subscriptions get all messages, in one order', async () => {
    const [near, far] = [await open().subscribe(), await openElsewhere().subscribe()]
    await Promise.all(
      [open(), openElsewhere(), open()].flatMap((topic, n) => [1, 2, 3].map((i) => topic.publish([n, i]))),
    )
    const heard: unknown[] = []
    for (let i = 0; i < 9; i += 1) heard.push(await near.receive())
    for (const message of heard) expect(await far.receive()).toEqual(message)
    for (const n of [0, 1, 2])
      expect(heard.filter((message) => (message as number[])[0] === n)).toEqual([1, 2, 3].map((i) => [n, i]))
    expect([near.tryReceive(), far.pending, near.lost, far.lost]).toEqual([undefined, 0, 0, 0])
  })

  test('messages that are published without waiting keep their order, however many they are', async () => {
    const subscription = await openElsewhere().subscribe()
    const numbers = Array.from({ length: 900 }, (_, i) => i)
    const topic = open()
    await Promise.all(numbers.map((i) => topic.publish(i)))
    const heard: unknown[] = []
    while (heard.length < numbers.length) heard.push(await subscription.receive())
    expect(heard).toEqual(numbers)
  })

  test('a subscription gets what is published after it was made, and only of its own topic', async () => {
    await open().publish('early')
    const subscription = await open().subscribe()
    await new ClusterTopic(cluster, `${name}-other`).publish('elsewhere')
    await openElsewhere().publish('now')
    expect(await subscription.receive()).toBe('now')
    expect(subscription.tryReceive()).toBeUndefined()
    expect(subscription.lost).toBe(0)
  })

  test('every value arrives whole, also what is far too long for a notice, and keeps its place', async () => {
    const subscription = await openElsewhere().subscribe()
    const values = [
      undefined,
      'ü\n',
      new Map([[1, new Date(2)]]),
      'x'.repeat(100_000),
      1n,
      new Uint8Array(200_000).fill(7),
      new TypeError('no'),
      '',
    ]
    await Promise.all(values.map((value) => open().publish(value)))
    const topic = open()
    await Promise.all(values.map((value) => topic.publish(value)))
    const heard: unknown[] = []
    while (heard.length < 2 * values.length) heard.push(await subscription.receive())
    // Those of one object are in its order.
    expect(heard.slice(-values.length)).toEqual(values)
  })

  test('a message in a box: it may be undefined', async () => {
    const subscription = await open().subscribe()
    await open().publish(undefined)
    await until(() => subscription.pending === 1, 'it is there')
    expect(subscription.tryReceive()).toEqual({ message: undefined, lost: 0 })
  })

  test('a subscription that does not keep up loses the oldest, and is told how many and where', async () => {
    const [slow, quick] = [await open().subscribe({ capacity: 3 }), await open().subscribe()]
    const topic = openElsewhere()
    await Promise.all(Array.from({ length: 10 }, (_, i) => topic.publish(i)))
    await until(() => quick.pending === 10, 'they have come')
    expect([slow.pending, slow.lost, quick.lost]).toEqual([3, 7, 0])
    expect(slow.tryReceive()).toEqual({ message: 7, lost: 7 })
    expect(slow.tryReceive()).toEqual({ message: 8, lost: 0 })
    await Promise.all([10, 11, 12, 13].map((i) => topic.publish(i)))
    await until(() => quick.pending === 14, 'they have come')
    expect(slow.tryReceive()).toEqual({ message: 11, lost: 2 })
    expect([await slow.receive(), await slow.receive(), slow.lost]).toEqual([12, 13, 9])
  })

  test('those who wait get their messages in the order they came', async () => {
    const subscription = await open().subscribe()
    const received = [subscription.receive(), subscription.receive(), subscription.receive()]
    const topic = openElsewhere()
    for (const i of [1, 2, 3]) await topic.publish(i)
    expect(await Promise.all(received)).toEqual([1, 2, 3])
  })

  test('a message comes at once to one who waits', async () => {
    const subscription = await openElsewhere().subscribe()
    const times: number[] = []
    for (let i = 0; i < 5; i += 1) {
      const received = subscription.receive()
      await delay(20)
      const since = performance.now()
      await open().publish(i)
      await received
      times.push(performance.now() - since)
    }
    expect(Math.min(...times)).toBeLessThan(50)
  })

  test('timeouts and aborts take nothing', async () => {
    const subscription = await open().subscribe()
    const began = performance.now()
    expect(await rejectionOf(subscription.receive({ timeout: 50 }))).toBeInstanceOf(QueueEmptyError)
    expect(performance.now() - began).toBeGreaterThanOrEqual(50)
    expect(await rejectionOf(subscription.receive({ timeout: 0 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    const controller = new AbortController()
    const aborted = rejectionOf(subscription.receive({ signal: controller.signal }))
    const received = subscription.receive()
    controller.abort(undefined)
    expect(await aborted).toBe(controller.signal.reason)
    await open().publish('a')
    expect(await received).toBe('a')
  })

  test('bad arguments, and a signal that has aborted, change nothing', async () => {
    const subscription = await open().subscribe()
    expect(await rejectionOf(open().subscribe({ capacity: 0 }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    expect(await rejectionOf(open().subscribe({ capacity: '1' as never }))).toMatchObject({ code: 'ERR_INVALID_ARG' })
    expect(await rejectionOf(open().subscribe({ signal: AbortSignal.abort('no') }))).toBe('no')
    expect(await rejectionOf(subscription.receive({ timeout: -1 }))).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    expect(await rejectionOf(subscription.receive({ signal: AbortSignal.abort('no') }))).toBe('no')
    expect(await rejectionOf(open().publish(() => 1))).toMatchObject({ code: 'ERR_NOT_CLONEABLE' })
    expect(() => new ClusterTopic(cluster, 'x'.repeat(201))).toThrow(TypeError)
    await open().publish(1)
    expect(await subscription.receive()).toBe(1)
  })

  test('subscribing can be given up', async () => {
    const controller = new AbortController()
    const subscribed = rejectionOf(open().subscribe({ signal: controller.signal }))
    controller.abort('enough')
    expect(await subscribed).toBe('enough')
    const subscription = await open().subscribe()
    await open().publish(1)
    expect(await subscription.receive()).toBe(1)
  })

  test('a closed subscription ends those who wait and its loop, and the others go on', async () => {
    const [closed, open1] = [await open().subscribe(), await open().subscribe()]
    const heard: unknown[] = []
    const loop = (async () => {
      for await (const message of closed) heard.push(message)
    })()
    await open().publish('a')
    await until(() => heard.length === 1, 'it comes')
    closed.close()
    closed.close()
    await loop
    const waits = rejectionOf(closed.receive())
    expect(await waits).toBeInstanceOf(ClosedError)
    expect(() => closed.tryReceive()).toThrow(ClosedError)
    await open().publish('b')
    expect([await open1.receive(), await open1.receive(), heard]).toEqual(['a', 'b', ['a']])
  })

  test('a block closes its subscription', async () => {
    let kept: { readonly pending: number; tryReceive(): unknown }
    {
      using subscription = await open().subscribe()
      kept = subscription
    }
    expect(() => kept.tryReceive()).toThrow(ClosedError)
  })

  test('a closed cluster ends those who wait, after what was heard', async () => {
    const own = await connect(server, { prefix: cluster.prefix })
    const subscription = await new ClusterTopic<unknown>(own, name).subscribe()
    await open().publish('a')
    await until(() => subscription.pending === 1, 'it is heard')
    await own.close()
    expect(await subscription.receive()).toBe('a')
    expect(await rejectionOf(subscription.receive())).toMatchObject({ code: 'ERR_SERVER_UNAVAILABLE' })
    expect(await rejectionOf(new ClusterTopic(own, name).publish(1))).toMatchObject({ code: 'ERR_SERVER_UNAVAILABLE' })
    expect(await rejectionOf(new ClusterTopic(own, name).subscribe())).toMatchObject({ code: 'ERR_SERVER_UNAVAILABLE' })
  })

  test('three programs hear what two programs publish, all in one order', async () => {
    for (let i = 0; i < 3; i += 1) programs.push(await startQueueProcess(cluster))
    await Promise.all(programs.map((program) => program.ask('subscribe', name)))
    const heard = programs.map((program) => program.ask('listen', 120))
    await Promise.all(programs.slice(0, 2).map((program, from) => program.ask('publish', name, from, 60)))
    const [first, ...others] = await Promise.all(heard)
    for (const messages of others) expect(messages).toEqual(first)
    for (const from of [0, 1]) {
      const own = (first as { from: number; i: number }[]).filter((message) => message.from === from)
      expect(own.map(({ i }) => i)).toEqual(Array.from({ length: 60 }, (_, i) => i))
    }
  }, 60_000)
})
