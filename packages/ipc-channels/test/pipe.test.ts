import { setTimeout as sleep } from 'node:timers/promises'
import { Pipe, PipeEnd, type SharedObjectHandle } from '@heddle/ipc-channels'
import { Segment } from '@heddle/shared-memory'
import { Mutex, ThreadMemory } from '@heddle/sync-primitives'
import { describe, expect, test } from '@jest/globals'
import { isReceiverAsleep, isSenderAsleep, recordsInside, wordsOfPipe } from './support/pipe-peer.js'
import { microtasks, rejectionOf, thrownBy, turnsOfTheLoop } from './support/until.js'

const withCode = (name: string, code: string, message = /./) =>
  expect.objectContaining({ name, code, message: expect.stringMatching(message) })
const timedOut = withCode('TimeoutError', 'ERR_TIMEOUT')
const closed = (message = /./) => withCode('ClosedError', 'ERR_CLOSED', message)
const gone = (message = /./) => withCode('BrokenError', 'ERR_PEER_GONE', message)
const invalid = (message = /./) => withCode('TypeError', 'ERR_INVALID_ARG', message)
const outOfRange = (message = /./) => withCode('RangeError', 'ERR_OUT_OF_RANGE', message)
const notOwner = withCode('LockStateError', 'ERR_NOT_OWNER')

/** A participant that nobody is. */
const somebodyElse = 77 | (5 << 8)
const ownerOfSecond = (end: PipeEnd<never, unknown>) => wordsOfPipe(end).subarray(32, 33)

/** What the promises are rejected with, all of them before a slice of time has passed in which they would look again anyway. */
async function soon(promises: readonly Promise<unknown>[]): Promise<unknown[]> {
  const reasons: unknown[] = promises.map(() => 'still waits')
  for (const [index, promise] of promises.entries())
    promise.catch((reason: unknown) => {
      reasons[index] = reason
    })
  await microtasks(20)
  return reasons
}

const smallPipe = () => Pipe.create<Uint8Array | string>({ capacityBytes: 64 })
const filled = (bytes: number, fill = 7) => new Uint8Array(bytes).fill(fill)

describe('messages', () => {
  test('of three sends are three, in order and never merged, and polls between them change nothing', () => {
    const [first, second] = Pipe.create<string>()
    for (const text of ['a', 'bb', 'ccc']) first.sendSync(text)
    const received = []
    for (let message = 0; message < 3; message++) {
      expect([second.pollSync(), second.pollSync({ timeout: 0 })]).toEqual([true, true])
      received.push(second.receiveSync())
    }
    expect(received).toEqual(['a', 'bb', 'ccc'])
    expect(second.pollSync({ timeout: 0 })).toBe(false)
  })

  test('that are empty count, and a poll sees them', () => {
    const [first, second] = Pipe.create<unknown>()
    const messages = ['', undefined, new Uint8Array(0), null, [], {}, '']
    for (const message of messages) first.sendSync(message)
    for (const message of messages) {
      expect(second.pollSync({ timeout: 0 })).toBe(true)
      expect(second.tryReceive()).toEqual({ message })
    }
    expect(second.tryReceive()).toBeUndefined()
  })

  test('go both ways at once, each its own way', async () => {
    const [first, second] = Pipe.create<number, string>()
    first.sendSync(1)
    second.sendSync('one')
    await first.send(2)
    expect([second.receiveSync(), await second.receive()]).toEqual([1, 2])
    expect(first.receiveSync()).toBe('one')
  })

  test('arrive with their types, or are refused with the path of what cannot be sent', () => {
    const [first, second] = Pipe.create<unknown>()
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    const error = Object.assign(new RangeError('m', { cause: new Error('c') }), { code: 'E' })
    for (const message of [new Map([[1, new Set([2n])]]), new Date(5), Float64Array.of(-0, 1.5), 2n ** 70n, error]) {
      first.sendSync(message)
      const got = second.receiveSync()
      expect(got).toEqual(message)
      expect(Object.prototype.toString.call(got)).toBe(Object.prototype.toString.call(message))
    }
    first.sendSync(cycle)
    const got = second.receiveSync() as typeof cycle
    expect(got.self).toBe(got)

    const refused = (path: string) => expect.objectContaining({ name: 'NotCloneableError', path })
    expect(thrownBy(() => first.sendSync([1, { run: () => {} }]))).toEqual(refused('[1].run'))
    expect(thrownBy(() => first.sendSync({ memory: [new SharedArrayBuffer(8)] }))).toEqual(refused('.memory[0]'))
    expect(second.tryReceive()).toBeUndefined()
  })

  test('are copied when they are sent, also those that wait for room', async () => {
    const [first, second] = smallPipe()
    for (const bytes of [30, 200]) {
      const message = filled(bytes)
      const sends = [first.send(filled(50)), first.send(message)]
      message.fill(0)
      const received = [await second.receive(), await second.receive()]
      expect(received).toEqual([filled(50), filled(bytes)])
      await Promise.all(sends)
    }
  })

  test('of text that is larger than the pipe arrive whole, wherever its parts cut a code point', async () => {
    for (let shift = 0; shift < 4; shift++) {
      const [first, second] = smallPipe()
      const text = 'x'.repeat(shift) + '🐢żółw'.repeat(100)
      const sent = first.send(text)
      expect(await second.receive()).toBe(text)
      await sent
    }
  })

  test('of any length go through a pipe of any size, by every way to send and to receive', async () => {
    for (const capacityBytes of [64, 65, 100, 1_000]) {
      const [first, second] = Pipe.create<Uint8Array>({ capacityBytes })
      for (const bytes of [1, 47, 55, 56, 91, 92, 992, 1_500]) {
        const [awaited] = await Promise.all([second.receive(), first.send(filled(bytes, 1))])
        const receiving = second.receive()
        first.sendSync(filled(bytes, 2))
        const sending = first.send(filled(bytes, 3))
        const received = [awaited, await receiving, second.receiveSync()]
        expect(received).toEqual([1, 2, 3].map((fill) => filled(bytes, fill)))
        await sending
        const last = first.send(filled(bytes, 4))
        let box = second.tryReceive()
        for (let tries = 0; !box && tries < 1_000; tries++) box = second.tryReceive()
        expect(box).toEqual({ message: filled(bytes, 4) })
        await last
      }
    }
  })
})

describe('a one-way pipe', () => {
  test('refuses to be used the wrong way, and says so', async () => {
    const [receiver, sender] = Pipe.create<number>({ duplex: false })
    const wrong = receiver as unknown as PipeEnd<number, number>
    const wrongToo = sender as unknown as PipeEnd<number, number>
    for (const call of [() => wrong.sendSync(1), () => wrong.trySend(1)])
      expect(thrownBy(call)).toEqual(invalid(/only receives/))
    for (const call of [() => wrongToo.receiveSync(), () => wrongToo.tryReceive(), () => wrongToo.pollSync()])
      expect(thrownBy(call)).toEqual(invalid(/only sends/))
    expect(await rejectionOf(wrong.send(1))).toEqual(invalid(/only receives/))
    expect(await rejectionOf(wrongToo.receive())).toEqual(invalid(/only sends/))
    expect(await rejectionOf(wrongToo.poll())).toEqual(invalid(/only sends/))
    sender.sendSync(5)
    expect(receiver.receiveSync()).toBe(5)
    sender.close()
    expect(thrownBy(() => receiver.receiveSync())).toEqual(closed(/other end/))
  })
})

describe('waiting', () => {
  test('a receive that awaits gets what is sent later, and one that is given up gets nothing', async () => {
    const [first, second] = Pipe.create<number>()
    const controller = new AbortController()
    const reason = new Error('enough')
    const given = [second.receive({ signal: controller.signal }), second.poll({ signal: controller.signal })]
    const timed = second.receive({ timeout: 5 })
    const patient = second.receive()
    controller.abort(reason)
    expect(await Promise.all(given.map(rejectionOf))).toEqual([reason, reason])
    expect(await rejectionOf(timed)).toEqual(timedOut)
    first.sendSync(1)
    expect(await patient).toBe(1)
    expect(await rejectionOf(second.receive({ signal: AbortSignal.abort(reason) }))).toBe(reason)
    expect(await rejectionOf(second.poll({ signal: AbortSignal.abort(reason) }))).toBe(reason)
    expect(await rejectionOf(first.send(1, { signal: AbortSignal.abort(reason) }))).toBe(reason)
    expect(second.tryReceive()).toBeUndefined()
  })

  test('the calls of one thread go in the order they came, whether they await or block', async () => {
    const [first, second] = Pipe.create<number>()
    const receives = [second.receive(), second.receive()]
    expect(second.tryReceive()).toBeUndefined()
    for (let message = 0; message < 4; message++) first.sendSync(message)
    expect(second.receiveSync()).toBe(2)
    expect(await Promise.all(receives)).toEqual([0, 1])
    expect(second.receiveSync()).toBe(3)

    const [small, other] = smallPipe()
    const sends = [small.send(filled(56, 1)), small.send(filled(100, 2)), small.send(filled(1, 3))]
    expect(small.trySend(filled(1))).toBe(false)
    const fills = []
    for (let message = 0; message < 3; message++) fills.push((other.receiveSync() as Uint8Array)[0])
    expect(fills).toEqual([1, 2, 3])
    await Promise.all(sends)
  })

  test('a time-out is no earlier than it was said, and 0 tries once', async () => {
    const [, second] = Pipe.create<number>()
    const [full] = smallPipe()
    full.sendSync(filled(50))
    const waits: (() => Promise<void> | void)[] = [
      async () => expect(await rejectionOf(second.receive({ timeout: 30 }))).toEqual(timedOut),
      () => expect(thrownBy(() => second.receiveSync({ timeout: 30 }))).toEqual(timedOut),
      async () => expect(await second.poll({ timeout: 30 })).toBe(false),
      () => expect(second.pollSync({ timeout: 30 })).toBe(false),
      async () => expect(await rejectionOf(full.send(filled(50), { timeout: 30 }))).toEqual(timedOut),
      () => expect(thrownBy(() => full.sendSync(filled(50), { timeout: 30 }))).toEqual(timedOut),
      () => expect(thrownBy(() => full.sendSync(filled(500), { timeout: 30 }))).toEqual(timedOut),
    ]
    for (const wait of waits) {
      const begun = performance.now()
      await wait()
      const took = performance.now() - begun
      expect(took).toBeGreaterThanOrEqual(30)
      expect(took).toBeLessThan(3_000)
    }
    const begun = performance.now()
    expect(second.pollSync({ timeout: 0 })).toBe(false)
    expect(await second.poll({ timeout: 0 })).toBe(false)
    expect(thrownBy(() => second.receiveSync({ timeout: 0 }))).toEqual(timedOut)
    expect(await rejectionOf(second.receive({ timeout: 0 }))).toEqual(timedOut)
    expect(thrownBy(() => full.sendSync(filled(50), { timeout: 0 }))).toEqual(timedOut)
    expect(await rejectionOf(full.send(filled(50), { timeout: 0 }))).toEqual(timedOut)
    expect(performance.now() - begun).toBeLessThan(1_000)
  })

  test('a poll waits for a whole message, and takes none away', async () => {
    const [first, second] = smallPipe()
    const polled = second.poll({ timeout: 5_000 })
    const sent = first.send(filled(1_000))
    expect(await polled).toBe(true)
    expect(second.pollSync()).toBe(true)
    await sent
    first.sendSync('next')
    expect([second.receiveSync(), second.receiveSync()]).toEqual([filled(1_000), 'next'])
    expect(second.pollSync({ timeout: 0 })).toBe(false)
  })

  test('a message of which only a part has come is none yet', async () => {
    const [receiver, sender] = Pipe.create<Uint8Array>({ duplex: false, capacityBytes: 64 })
    expect(thrownBy(() => sender.sendSync(filled(1_000), { timeout: 0 }))).toEqual(timedOut)
    expect(recordsInside(sender)).toBeGreaterThan(0)
    expect(receiver.pollSync({ timeout: 0 })).toBe(false)
    expect(receiver.tryReceive()).toBeUndefined()
    expect(thrownBy(() => receiver.receiveSync({ timeout: 5 }))).toEqual(timedOut)
    expect(await rejectionOf(receiver.receive({ timeout: 5 }))).toEqual(timedOut)
  })

  test('a send that times out or is aborted in the middle is dropped, and the next message arrives', async () => {
    const [receiver, sender] = Pipe.create<Uint8Array | string>({ duplex: false, capacityBytes: 64 })
    const controller = new AbortController()
    const reason = new Error('enough')
    const aborted = sender.send(filled(1_000), { signal: controller.signal })
    expect(isSenderAsleep(sender)).toBe(true)
    controller.abort(reason)
    expect(await rejectionOf(aborted)).toBe(reason)
    const next = sender.send('after the abort')
    expect(await receiver.receive()).toBe('after the abort')
    await next

    expect(thrownBy(() => sender.sendSync(filled(1_000), { timeout: 10 }))).toEqual(timedOut)
    const large = sender.send(filled(900, 2))
    expect(await receiver.receive()).toEqual(filled(900, 2))
    await large

    expect(await rejectionOf(sender.send(filled(1_000), { timeout: 10 }))).toEqual(timedOut)
    expect(receiver.pollSync({ timeout: 0 })).toBe(false)
    sender.close()
    expect(await rejectionOf(receiver.receive())).toEqual(closed(/nothing is left/))
  })

  test('a pending receive keeps the process alive for as long as it waits, and no longer', async () => {
    const [first, second] = Pipe.create<number>()
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const receiving = second.receive()
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBeGreaterThan(before)
    first.sendSync(1)
    await receiving
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBe(before)
  })
})

describe('the end', () => {
  test('after the other end was closed the messages that are left come, then ERR_CLOSED; sending fails at once', async () => {
    const [first, second] = Pipe.create<number>()
    first.sendSync(1)
    first.sendSync(2)
    first.close()
    expect([second.closed, first.closed]).toEqual([false, true])
    expect(thrownBy(() => second.sendSync(3))).toEqual(gone(/was closed/))
    expect(thrownBy(() => second.trySend(3))).toEqual(gone())
    expect(await rejectionOf(second.send(3))).toEqual(gone())
    expect([second.pollSync({ timeout: 0 }), second.receiveSync(), second.receiveSync()]).toEqual([true, 1, 2])
    expect([second.pollSync({ timeout: 0 }), await second.poll()]).toEqual([true, true])
    expect(thrownBy(() => second.receiveSync())).toEqual(closed(/other end/))
    expect(thrownBy(() => second.tryReceive())).toEqual(closed(/other end/))
    expect(await rejectionOf(second.receive())).toEqual(closed(/other end/))
  })

  test('closing wakes all who wait, at both ends', async () => {
    const [first, second] = smallPipe()
    const [third, fourth] = smallPipe()
    first.sendSync(filled(50))
    third.sendSync(filled(50))
    const waiting = [first.send(filled(50)), first.receive(), third.send(filled(50)), third.receive(), third.poll()]
    await turnsOfTheLoop()
    second.close()
    third.close()
    const [other, own] = [closed(/other end/), closed(/this end/)]
    expect(await soon(waiting)).toEqual([gone(/was closed/), other, own, own, own])
    expect(fourth.receiveSync()).toEqual(filled(50))
  })

  test('an end that is closed refuses everything, also what is left for it', async () => {
    const [first, second] = Pipe.create<number>()
    second.sendSync(1)
    first.close()
    first.close()
    const calls = [
      () => first.receiveSync(),
      () => first.tryReceive(),
      () => first.pollSync(),
      () => first.sendSync(1),
      () => first.trySend(1),
    ]
    for (const call of calls) expect(thrownBy(call)).toEqual(closed(/this end/))
    for (const promise of [first.receive(), first.poll(), first.send(1)])
      expect(await rejectionOf(promise)).toEqual(closed(/this end/))
    second.close()
    for (const call of calls) expect(thrownBy(call)).toEqual(closed(/this end/))
  })

  test('what is sent just before its sender dies is received: whoever notices the death looks once more', () => {
    for (const receive of ['receiveSync', 'tryReceive', 'pollSync'] as const) {
      const memory = ThreadMemory.create()
      const [receiver, sender] = Pipe.create<string>({ duplex: false, memory })
      const owner = ownerOfSecond(receiver)
      const sendsOnItsDeathbed = () => {
        Atomics.store(owner, 0, memory.participant)
        sender.sendSync('last words')
        Atomics.store(owner, 0, somebodyElse)
        memory.isDead = () => true
        return true
      }
      memory.isDead = sendsOnItsDeathbed
      Atomics.store(owner, 0, somebodyElse)
      const got: unknown = receiver[receive]({ timeout: 5_000 })
      const message = receive === 'pollSync' ? { polled: got, message: receiver.receiveSync() } : got
      expect(message).toEqual(
        {
          receiveSync: 'last words',
          tryReceive: { message: 'last words' },
          pollSync: { polled: true, message: 'last words' },
        }[receive],
      )
      expect(thrownBy(() => receiver.receiveSync())).toEqual(gone(/died/))
    }
  })

  test('a message that was cut off by closing is an error of its own, then the end', async () => {
    const [receiver, sender] = Pipe.create<Uint8Array>({ duplex: false, capacityBytes: 64 })
    sender.sendSync(filled(5))
    const cut = sender.send(filled(1_000))
    const received = receiver.receiveSync()
    expect(received).toEqual(filled(5))
    sender.close()
    expect(await rejectionOf(cut)).toEqual(closed(/this end/))
    expect(receiver.pollSync()).toBe(true)
    expect(thrownBy(() => receiver.receiveSync())).toEqual(gone(/closed in the middle of a message/))
    expect(thrownBy(() => receiver.receiveSync())).toEqual(closed(/nothing is left/))
  })

  test('a loop over the messages ends with them, and leaving it closes nothing', async () => {
    const [first, second] = Pipe.create<number>()
    for (const message of [1, 2, 3]) first.sendSync(message)
    for await (const message of second) if (message === 1) break
    expect(second.closed).toBe(false)
    const received: number[] = []
    const loop = (async () => {
      for await (const message of second) received.push(message)
    })()
    await first.send(4)
    first.close()
    await loop
    expect(received).toEqual([2, 3, 4])
  })

  test('an end is closed when its scope is left', () => {
    const [first, second] = Pipe.create<number>()
    {
      using end = first
      end.sendSync(1)
    }
    expect([first.closed, second.receiveSync()]).toEqual([true, 1])
  })
})

describe('ownership', () => {
  test('an end belongs to the object that opened it last: the others are refused and change nothing', async () => {
    const [first, second] = Pipe.create<number>()
    second.sendSync(1)
    const opened = PipeEnd.fromHandle<number, number>(first.toHandle())
    const calls = [
      () => first.sendSync(1),
      () => first.trySend(1),
      () => first.receiveSync(),
      () => first.tryReceive(),
      () => first.pollSync(),
    ]
    for (const call of calls) expect(thrownBy(call)).toEqual(notOwner)
    for (const promise of [first.send(1), first.receive(), first.poll()])
      expect(await rejectionOf(promise)).toEqual(notOwner)
    first.close()
    expect(opened.closed).toBe(false)
    expect(opened.receiveSync()).toBe(1)
    opened.sendSync(2)
    expect(second.receiveSync()).toBe(2)
    const again = PipeEnd.fromHandle<number, number>(first.toHandle())
    for (const end of [first, opened]) expect(thrownBy(() => end.sendSync(1))).toEqual(notOwner)
    again.sendSync(3)
    expect(second.receiveSync()).toBe(3)
  })

  test('whoever waits when the end is opened elsewhere learns it at once', async () => {
    const [first, second] = smallPipe()
    first.sendSync(filled(50))
    const waiting = [first.receive(), first.poll(), first.send(filled(50))]
    await turnsOfTheLoop()
    const opened = PipeEnd.fromHandle<string, string>(first.toHandle())
    expect(await soon(waiting)).toEqual([notOwner, notOwner, notOwner])
    expect(second.receiveSync()).toEqual(filled(50))
    const received = second.receive()
    opened.sendSync('from the new owner')
    expect(await received).toBe('from the new owner')
  })

  test('damaged and foreign handles are refused, and the end stays whose it was', () => {
    const [first, second] = Pipe.create<number>()
    const handle = first.toHandle()
    const badHandle = withCode('TypeError', 'ERR_BAD_HANDLE')
    const bad = [
      null,
      {},
      { ...handle, kind: 'ipc-channels/ThreadSafeQueue' },
      { ...handle, version: 99 },
      { ...handle, end: 2 },
      { ...handle, end: undefined },
      { ...handle, index: (handle.index ?? 0) + 16 },
      { ...handle, index: -1 },
      JSON.parse(JSON.stringify(handle)),
    ]
    for (const damaged of bad)
      expect(thrownBy(() => PipeEnd.fromHandle(damaged as SharedObjectHandle))).toEqual(badHandle)
    const words = wordsOfPipe(second)
    for (const word of [1, 2, 3]) {
      const was = words[word] as number
      for (const value of [0, -1, was + 1, was - 1]) {
        words[word] = value
        expect(thrownBy(() => PipeEnd.fromHandle(handle))).toEqual(badHandle)
      }
      words[word] = was
    }
    first.sendSync(1)
    expect(second.receiveSync()).toBe(1)
  })
})

test('a large message that was polled for is not received by that: who opens the end next is told that it lost its beginning', async () => {
  const [receiver, sender] = Pipe.create<string>({ duplex: false, capacityBytes: 64 })
  const sent = sender.send('x'.repeat(500))
  expect(await receiver.poll()).toBe(true)
  const next = PipeEnd.fromHandle<never, string>(receiver.toHandle())
  expect(await rejectionOf(next.receive())).toMatchObject({ code: 'ERR_CORRUPT' })
  await sent
  sender.sendSync('next')
  expect(next.receiveSync()).toBe('next')
})

test('an object that cannot be opened is ERR_BAD_HANDLE in a message of any size, and ends no loop', async () => {
  const segment = Segment.create({ size: 1 << 16 })
  const mutex = new Mutex({ memory: segment })
  const [receiver, sender] = Pipe.create<unknown>({ duplex: false, capacityBytes: 1_000 })
  const sending = ['small', 'x'.repeat(3_000)].map((padding) => sender.send({ mutex, padding }))
  segment.close()
  for (let message = 0; message < 2; message++)
    expect(await rejectionOf(receiver[Symbol.asyncIterator]().next())).toMatchObject({ code: 'ERR_BAD_HANDLE' })
  await Promise.all(sending)
})

test('an end whose owner somebody has written over is ERR_CORRUPT', () => {
  const [first, second] = Pipe.create<never>()
  Atomics.store(ownerOfSecond(second), 0, 255 | (7 << 8))
  expect(thrownBy(() => first.trySend(1 as never))).toMatchObject({ code: 'ERR_CORRUPT' })
})

describe('limits', () => {
  test('a message above maxMessageBytes is refused, one of just that is not', async () => {
    const [first, second] = Pipe.create<Uint8Array>({ capacityBytes: 64, maxMessageBytes: 100 })
    expect(thrownBy(() => first.sendSync(filled(100)))).toEqual(outOfRange(/maxMessageBytes/))
    expect(await rejectionOf(first.send(filled(100)))).toEqual(outOfRange(/maxMessageBytes/))
    expect(thrownBy(() => first.trySend(filled(100)))).toEqual(outOfRange(/maxMessageBytes/))
    expect(second.pollSync({ timeout: 0 })).toBe(false)
    const sent = first.send(filled(99))
    expect(await second.receive()).toEqual(filled(99))
    await sent
  })

  test('trySend takes what has room in one piece, says no when it is full, and refuses what never has', () => {
    const [first, second] = smallPipe()
    expect(first.trySend(filled(55))).toBe(true)
    expect(first.trySend(filled(1))).toBe(false)
    expect(second.receiveSync()).toEqual(filled(55))
    expect(thrownBy(() => first.trySend(filled(56)))).toEqual(outOfRange(/may wait/))
    expect(first.trySend('x')).toBe(true)
    expect(second.receiveSync()).toBe('x')
  })

  test('bad options are refused', async () => {
    for (const capacityBytes of [63, 0, -1, 64.5, Number.NaN, 2 ** 30 + 1])
      expect(thrownBy(() => Pipe.create({ capacityBytes }))).toEqual(outOfRange())
    for (const maxMessageBytes of [0, -1, 1.5, 2 ** 31])
      expect(thrownBy(() => Pipe.create({ maxMessageBytes }))).toEqual(outOfRange())
    for (const options of [null, 5, { capacityBytes: '64' }, { maxMessageBytes: 5n }, { duplex: 1 }, { memory: {} }])
      expect(thrownBy(() => Pipe.create(options as never))).toEqual(invalid())
    const [first, second] = Pipe.create<number>()
    for (const timeout of [-1, Number.NaN]) {
      expect(thrownBy(() => second.pollSync({ timeout }))).toEqual(outOfRange())
      expect(thrownBy(() => second.receiveSync({ timeout }))).toEqual(outOfRange())
      expect(thrownBy(() => first.sendSync(1, { timeout }))).toEqual(outOfRange())
      expect(await rejectionOf(first.send(1, { timeout }))).toEqual(outOfRange())
    }
    expect(await rejectionOf(second.receive({ signal: {} as AbortSignal }))).toEqual(invalid())
    expect(second.tryReceive()).toBeUndefined()
  })
})

test('a receiver that awaits sleeps, and does not look again and again', async () => {
  const [receiver, sender] = Pipe.create<number>({ duplex: false })
  const received = receiver.receive()
  expect(isReceiverAsleep(receiver)).toBe(true)
  const before = process.cpuUsage()
  await sleep(100)
  const { user } = process.cpuUsage(before)
  sender.sendSync(1)
  expect(await received).toBe(1)
  expect(user).toBeLessThan(90_000)
})
