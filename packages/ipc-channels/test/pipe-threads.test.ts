import { Pipe, PipeEnd } from '@heddle/ipc-channels'
import { describe, expect, test } from '@jest/globals'
import {
  forgetSleepers,
  isReceiverAsleep,
  isSenderAsleep,
  recordsInside,
  startThread,
  until,
} from './support/pipe-peer.js'
import { rejectionOf, thrownBy } from './support/until.js'

const gone = (message = /./) =>
  expect.objectContaining({ name: 'BrokenError', code: 'ERR_PEER_GONE', message: expect.stringMatching(message) })
const small = { duplex: false, capacityBytes: 4_096 } as const
const large = 400_000

const nobodysWord = new Int32Array(new SharedArrayBuffer(4))

const middle = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] as number

function codeOf(call: () => unknown): unknown {
  try {
    call()
    return undefined
  } catch (error) {
    return (error as { code?: unknown }).code
  }
}

describe('with a thread at the other end', () => {
  test('messages go there and back in order, whether the two block or await', async () => {
    const [first, second] = Pipe.create<unknown>()
    const thread = await startThread().open('end', second)
    for (const awaiting of [false, true]) {
      const echoed = thread.run('echo', { name: 'end', count: 200, awaiting })
      for (let message = 0; message < 100; message++) {
        first.sendSync({ message })
        expect(first.receiveSync()).toEqual({ message })
        await first.send(message)
        expect(await first.receive()).toBe(message)
      }
      await echoed
    }
  })

  test('a message of 16 MiB goes through a pipe of 64 KiB, either way', async () => {
    const [first, second] = Pipe.create<Uint8Array>({ capacityBytes: 65_536 })
    const thread = await startThread().open('end', second)
    const bytes = 16 * 2 ** 20
    const sent = thread.run('sendBig', { name: 'end', bytes, fill: 5 })
    const message = await first.receive()
    expect(Buffer.alloc(bytes, 5).equals(message)).toBe(true)
    await sent
    const received = thread.run('receiveBig', { name: 'end', bytes, fill: 6 })
    first.sendSync(message.fill(6))
    expect(await received).toBe(true)
  })

  test('many messages through a pipe that holds few keep their order and their boundaries', async () => {
    const [receiver, sender] = Pipe.create<string>({ duplex: false, capacityBytes: 100 })
    const thread = await startThread().open('end', sender)
    const texts = Array.from({ length: 500 }, (_, index) => `${index}-`.repeat(index % 40))
    const sent = thread.run('sendMany', { name: 'end', texts })
    const received = []
    for (let index = 0; index < texts.length; index++)
      received.push(index % 2 === 0 ? receiver.receiveSync() : await receiver.receive())
    await sent
    expect(received).toEqual(texts)
  })

  test('a loop there ends when this end is closed', async () => {
    const [first, second] = Pipe.create<number>()
    const thread = await startThread().open('end', second)
    const iterated = thread.run('iterate', { name: 'end' })
    for (const message of [1, 2, 3]) await first.send(message)
    first.close()
    expect(await iterated).toEqual([1, 2, 3])
    expect(await rejectionOf(thread.call('end', 'sendSync', 1))).toMatchObject({ code: 'ERR_PEER_GONE' })
  })

  test('a receive that blocks there ends when the end is opened elsewhere, and takes nothing', async () => {
    const [receiver, sender] = Pipe.create<string>({ duplex: false })
    const thread = await startThread().open('end', receiver)
    const blocked = thread.call('end', 'receiveSync')
    await until(() => isReceiverAsleep(receiver), 'the thread waits')
    const opened = PipeEnd.fromHandle<never, string>(receiver.toHandle())
    expect(await rejectionOf(blocked)).toMatchObject({ name: 'LockStateError', code: 'ERR_NOT_OWNER' })
    sender.sendSync('for the new owner')
    expect(opened.receiveSync()).toBe('for the new owner')
  })

  test('the rest of a message whose beginning went to the former owner is dropped, which is said once', async () => {
    const [receiver, sender] = Pipe.create<Uint8Array | string>(small)
    const thread = await startThread().open('end', sender)
    const sent = thread.run('sendBig', { name: 'end', bytes: large, fill: 1 })
    await until(() => recordsInside(receiver) > 0, 'a part is there')
    expect(receiver.tryReceive()).toBeUndefined()
    const opened = PipeEnd.fromHandle<never, Uint8Array | string>(receiver.toHandle())
    expect(await rejectionOf(opened.receive())).toMatchObject({
      name: 'CorruptError',
      code: 'ERR_CORRUPT',
      message: expect.stringMatching(/former owner|had this end/),
    })
    const received = opened.receive()
    await sent
    await thread.call('end', 'send', 'next')
    expect(await received).toBe('next')
  })

  test('who blocks is woken: for room by a receive, for a message by a send', async () => {
    const [receiver, sender] = Pipe.create<string>({ duplex: false, capacityBytes: 64 })
    const thread = await startThread().open('sender', sender)
    const [inThread, here] = Pipe.create<string>({ duplex: false })
    await thread.open('receiver', inThread)
    const rounds = 7
    const sent = thread.run('sendMany', { name: 'sender', texts: Array(rounds + 1).fill('x'.repeat(50)) })
    const forRoom = []
    for (let round = 0; round < rounds; round++) {
      forgetSleepers(receiver)
      await until(() => isSenderAsleep(receiver), 'it waits for room')
      const begun = performance.now()
      receiver.receiveSync()
      receiver.pollSync()
      forRoom.push(performance.now() - begun)
    }
    receiver.receiveSync()
    await sent
    const forMessage = []
    for (let round = 0; round < rounds; round++) {
      forgetSleepers(inThread)
      const received = thread.call('receiver', 'receiveSync')
      await until(() => isReceiverAsleep(inThread), 'it waits for a message')
      const begun = performance.now()
      here.sendSync('x')
      await received
      forMessage.push(performance.now() - begun)
    }
    // Whoever is not woken looks again 50 ms after it began to sleep.
    expect(middle(forRoom)).toBeLessThan(25)
    expect(middle(forMessage)).toBeLessThan(25)
  })

  test('receives that await in a thread make room for a send that blocks it', async () => {
    const [receiver, sender] = Pipe.create<string>({ duplex: false, capacityBytes: 64 })
    const thread = await startThread().open('end', sender)
    const received = [receiver.receive(), receiver.receive(), receiver.receive()]
    const sent = thread.run('sendMany', { name: 'end', texts: ['first', 'second'] })
    // They are not told of it: this thread's event loop stands still from here on.
    const limit = performance.now() + 10_000
    while (recordsInside(receiver) < 2 && performance.now() < limit) Atomics.wait(nobodysWord, 0, 0, 1)
    const opened = PipeEnd.fromHandle<string, never>(sender.toHandle())
    opened.sendSync('x'.repeat(50), { timeout: 10_000 })
    expect(await Promise.all(received)).toEqual(['first', 'second', 'x'.repeat(50)])
    await sent
  })

  test('a poll that blocks sees a message as soon as all of it is there', async () => {
    const [receiver, sender] = Pipe.create<Uint8Array>(small)
    const thread = await startThread().open('end', sender)
    const sent = thread.run('sendBig', { name: 'end', bytes: large, fill: 1 })
    expect(receiver.pollSync({ timeout: 20_000 })).toBe(true)
    await sent
    expect(receiver.tryReceive()?.message).toHaveLength(large)
  })
})

describe('a thread that is terminated', () => {
  test('while it blocks in a receive ends the send that waits, and every later one', async () => {
    const [receiver, sender] = Pipe.create<Uint8Array>(small)
    const thread = await startThread().open('end', receiver)
    void thread.call('end', 'receiveSync')
    await until(() => isReceiverAsleep(receiver), 'the thread waits')
    await thread.kill()
    await until(() => codeOf(() => sender.trySend(new Uint8Array(1))) === 'ERR_PEER_GONE', 'its death is noticed')
    expect(await rejectionOf(sender.send(new Uint8Array(1)))).toEqual(gone(/died/))
  })

  test('while a send to it waits ends that send, also one in many parts', async () => {
    for (const bytes of [4_000, large]) {
      const [receiver, sender] = Pipe.create<Uint8Array>(small)
      const thread = await startThread().open('end', receiver)
      sender.sendSync(new Uint8Array(4_000))
      const waiting = rejectionOf(sender.send(new Uint8Array(bytes)))
      expect(isSenderAsleep(sender)).toBe(true)
      await thread.kill()
      expect(await waiting).toEqual(gone(/died/))
      expect(thrownBy(() => sender.sendSync(new Uint8Array(bytes)))).toEqual(gone(/died/))
    }
  })

  test('leaves the messages that it has sent, and then receiving fails, also while it blocks', async () => {
    const [receiver, sender] = Pipe.create<string>(small)
    const thread = await startThread().open('end', sender)
    await thread.run('sendMany', { name: 'end', texts: ['a', 'b'] })
    const ended = thread.kill()
    expect([receiver.receiveSync(), receiver.receiveSync()]).toEqual(['a', 'b'])
    // The end of the thread is seen by the system, not by this thread's event loop.
    expect(thrownBy(() => receiver.receiveSync({ timeout: 10_000 }))).toEqual(gone(/died, and nothing is left/))
    expect(receiver.pollSync()).toBe(true)
    await ended
    expect(await rejectionOf(receiver.receive())).toEqual(gone(/died/))
  })

  test('in the middle of a large send leaves no short message: an error, and then that it is gone', async () => {
    for (const awaits of [false, true]) {
      const [receiver, sender] = Pipe.create<Uint8Array | string>(small)
      const thread = await startThread().open('end', sender)
      await thread.call('end', 'send', 'whole')
      void thread.run('sendBig', { name: 'end', bytes: large, fill: 1 })
      await until(() => isSenderAsleep(sender) && recordsInside(sender) > 1, 'it waits for room')
      await thread.kill()
      expect(receiver.receiveSync()).toBe('whole')
      const failure = () => (awaits ? rejectionOf(receiver.receive()) : thrownBy(() => receiver.receiveSync()))
      expect(await failure()).toEqual(gone(/died in the middle of a message/))
      expect(await failure()).toEqual(gone(/nothing is left/))
    }
  })

  test('is followed by one that opens its end: the pipe goes on with whole messages', async () => {
    const [receiver, sender] = Pipe.create<Uint8Array | string>(small)
    const thread = await startThread().open('end', sender)
    void thread.run('sendBig', { name: 'end', bytes: large, fill: 1 })
    await until(() => isSenderAsleep(sender) && recordsInside(sender) > 1, 'it waits for room')
    await thread.kill()
    const next = await startThread().open('end', sender)
    const sent = next.run('sendMany', { name: 'end', texts: ['from the next one'] })
    expect(await receiver.receive()).toBe('from the next one')
    await sent
  })
})
