import { once } from 'node:events'
import fs from 'node:fs'
import { Pipe, type PipeEnd } from '@heddle/ipc-channels'
import { Segment, SharedValue } from '@heddle/shared-memory'
import { Mutex } from '@heddle/sync-primitives'
import { afterAll, describe, expect, test } from '@jest/globals'
import {
  isReceiverAsleep,
  isSenderAsleep,
  recordsInside,
  recordsTaken,
  startProcess,
  startThread,
  until,
} from './support/pipe-peer.js'
import { rejectionOf, thrownBy } from './support/until.js'

const segment = Segment.create({ size: 1 << 22, participants: 32 })
afterAll(() => segment.close())

const gone = (message = /./) =>
  expect.objectContaining({ name: 'BrokenError', code: 'ERR_PEER_GONE', message: expect.stringMatching(message) })
const small = { memory: segment, duplex: false, capacityBytes: 4_096 } as const
const large = 400_000

const isStopped = (pid: number) => fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '')[0] === 'T'

describe('with a process at the other end', () => {
  test('messages go there and back in order, whether the two block or await', async () => {
    const [first, second] = Pipe.create<unknown>({ memory: segment })
    const child = await startProcess().open('end', second)
    for (const awaiting of [false, true]) {
      const echoed = child.run('echo', { name: 'end', count: 200, awaiting })
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
    const [first, second] = Pipe.create<Uint8Array>({ memory: segment, capacityBytes: 65_536 })
    const child = await startProcess().open('end', second)
    const bytes = 16 * 2 ** 20
    const sent = child.run('sendBig', { name: 'end', bytes, fill: 5 })
    const message = await first.receive()
    expect(Buffer.alloc(bytes, 5).equals(message)).toBe(true)
    await sent
    const received = child.run('receiveBig', { name: 'end', bytes, fill: 6 })
    first.sendSync(message.fill(6))
    expect(await received).toBe(true)
  })

  test('many messages through a pipe that holds few keep their order and their boundaries', async () => {
    const [receiver, sender] = Pipe.create<string>({ memory: segment, duplex: false, capacityBytes: 100 })
    const child = await startProcess().open('end', sender)
    const texts = Array.from({ length: 500 }, (_, index) => `${index}ż`.repeat(index % 40))
    const sent = child.run('sendMany', { name: 'end', texts })
    const received = []
    for (let index = 0; index < texts.length; index++)
      received.push(index % 2 === 0 ? receiver.receiveSync() : await receiver.receive())
    await sent
    expect(received).toEqual(texts)
  })

  test('a shared object of the segment arrives as itself, and an end of a pipe with what was sent to it', async () => {
    const [first, second] = Pipe.create<unknown>({ memory: segment })
    const child = await startProcess().open('end', second)
    const value = new SharedValue('int32', 5, { memory: segment })
    const added = child.run('addToReceived', { name: 'end', by: 3 })
    await first.send(value)
    await added
    expect(value.value).toBe(8)

    const [mine, theirs] = Pipe.create<string>({ memory: segment })
    mine.sendSync('before it was handed over')
    const [carrier, other] = Pipe.create<{ end: typeof theirs }>({ memory: segment })
    carrier.sendSync({ end: theirs })
    const { end } = other.receiveSync()
    expect(end.receiveSync()).toBe('before it was handed over')
    expect(thrownBy(() => theirs.tryReceive())).toMatchObject({ code: 'ERR_NOT_OWNER' })
  })

  test('what only this process has is refused with its path, and nothing is sent', () => {
    const [first, second] = Pipe.create<unknown>({ memory: segment })
    const refusals: [unknown, string][] = [
      [{ words: new Int32Array(new SharedArrayBuffer(8)) }, '.words'],
      [[new Mutex()], '[0].toHandle().buffer'],
      [Pipe.create()[0], '.toHandle().buffer'],
      [() => {}, ''],
    ]
    for (const [message, path] of refusals)
      expect(thrownBy(() => first.sendSync(message))).toMatchObject({ code: 'ERR_NOT_CLONEABLE', path })
    expect(second.pollSync({ timeout: 0 })).toBe(false)
  })

  test('an end has a name in its segment: whoever gets it by that has it', async () => {
    const [first, second] = Pipe.create<string>({ memory: segment })
    segment.getOrCreate('the second end', () => second)
    const opened = segment.get<PipeEnd<string, string>>('the second end') as PipeEnd<string, string>
    first.sendSync('hello')
    expect(opened.receiveSync()).toBe('hello')
    segment.delete('the second end')
  })

  test('what a child prints and 1 MiB on its standard error leave the messages untouched', async () => {
    const [first, second] = Pipe.create<unknown>({ memory: segment })
    const child = startProcess({ silent: true })
    await child.open('end', second)
    let seen = 0
    child.child.stderr?.on('data', (data: Buffer) => {
      seen += data.length
    })
    child.child.stdout?.resume()
    const echoed = child.run('echo', { name: 'end', count: 2, awaiting: true })
    first.sendSync(1)
    const printed = child.run('print', { text: 'x'.repeat(2 ** 20) })
    first.sendSync(2)
    expect([await first.receive(), await first.receive()]).toEqual([1, 2])
    await Promise.all([echoed, printed])
    await until(() => seen === 2 ** 20, 'all was printed')
  })

  test('its own segment closed ends all that waits there, and every later call', async () => {
    const own = Segment.create({ size: 1 << 17, participants: 4 })
    const [first, second] = Pipe.create<number>({ memory: own, capacityBytes: 1_024 })
    const waiting = [first.receive(), second.poll()].map(rejectionOf)
    own.close()
    const closedError = expect.objectContaining({ name: 'ClosedError', code: 'ERR_CLOSED' })
    expect(await Promise.all(waiting)).toEqual([closedError, closedError])
    const calls = [
      () => first.sendSync(1),
      () => first.receiveSync(),
      () => first.tryReceive(),
      () => first.trySend(1),
      () => first.pollSync(),
      () => first.closed,
      () => first.close(),
    ]
    for (const call of calls) expect(thrownBy(call)).toEqual(closedError)
    expect(await rejectionOf(first[Symbol.asyncIterator]().next())).toEqual(closedError)
    first[Symbol.dispose]()
    expect(first.toHandle()).toMatchObject({ kind: 'ipc-channels/PipeEnd', end: 0 })
  })
})

describe('a process that is killed', () => {
  test('while it blocks in a receive ends sending, and one that is only stopped does not', async () => {
    const [receiver, sender] = Pipe.create<Uint8Array>(small)
    const child = await startProcess().open('end', receiver)
    void child.call('end', 'receiveSync')
    await until(() => isReceiverAsleep(receiver, segment), 'the process waits')
    child.signal('SIGSTOP')
    sender.sendSync(new Uint8Array(4_000))
    const waiting = sender.send(new Uint8Array(4_000))
    const outcome = await Promise.race([
      rejectionOf(waiting),
      new Promise((resolve) => setTimeout(resolve, 200, 'waits')),
    ])
    expect(outcome).toBe('waits')
    expect(await child.kill()).toBe('SIGKILL')
    expect(await rejectionOf(waiting)).toEqual(gone(/died/))
    expect(thrownBy(() => sender.sendSync(new Uint8Array(1)))).toEqual(gone(/died/))
  })

  test('in the middle of a large receive ends the send', async () => {
    const [receiver, sender] = Pipe.create<Uint8Array>(small)
    const child = await startProcess().open('end', receiver)
    const waiting = rejectionOf(sender.send(new Uint8Array(8 * 2 ** 20)))
    void child.call('end', 'receiveSync')
    await until(() => recordsTaken(sender, segment) > 10, 'it is under way')
    await child.kill()
    expect(await waiting).toEqual(gone(/died/))
  })

  test('leaves the messages that it has sent, and then receiving fails', async () => {
    const [receiver, sender] = Pipe.create<string>(small)
    const child = await startProcess().open('end', sender)
    await child.run('sendMany', { name: 'end', texts: ['a', 'b'] })
    const received = [await receiver.receive()]
    const ended = child.kill()
    received.push(await receiver.receive())
    expect(received).toEqual(['a', 'b'])
    expect(await rejectionOf(receiver.receive())).toEqual(gone(/died, and nothing is left/))
    await ended
    expect(thrownBy(() => receiver.receiveSync())).toEqual(gone(/died/))
    expect(receiver.pollSync()).toBe(true)
  })

  test.each(['before any part', 'when a part'])(
    'in the middle of a large send, %s of it was taken, leaves no short message: an error, and then that it is gone',
    async (when) => {
      const [receiver, sender] = Pipe.create<Uint8Array | string>(small)
      const child = await startProcess().open('end', sender)
      await child.call('end', 'send', 'whole')
      void child.run('sendBig', { name: 'end', bytes: large, fill: 1 })
      await until(() => isSenderAsleep(sender, segment) && recordsInside(sender, segment) > 1, 'it waits for room')
      child.signal('SIGSTOP')
      await until(() => isStopped(child.pid), 'it is stopped')
      const tries = when === 'when a part' ? [receiver.receiveSync(), receiver.tryReceive()] : ['whole', undefined]
      await child.kill()
      if (when === 'before any part') tries[0] = await receiver.receive()
      expect(tries).toEqual(['whole', undefined])
      expect(await rejectionOf(receiver.receive())).toEqual(gone(/died in the middle of a message/))
      expect(await rejectionOf(receiver.receive())).toEqual(gone(/nothing is left/))
    },
  )

  test('at random moments of many sends and receives leaves whole messages, in order, and an end within a second', async () => {
    for (let round = 0; round < 3; round++) {
      const [first, second] = Pipe.create<string>({ memory: segment, capacityBytes: 512 })
      const child = await startProcess().open('end', second)
      void child.run('echo', { name: 'end', count: 100_000, awaiting: false })
      const texts = Array.from({ length: 40 }, (_, index) => `${index};`.repeat(index * 10))
      const received: string[] = []
      let sent = 0
      const limit = 30 + round * 37
      const failure = await rejectionOf(
        (async () => {
          for (;;) {
            await first.send(texts[sent % 40] as string, { timeout: 5_000 })
            sent += 1
            if (sent === limit) void child.kill()
            received.push(await first.receive({ timeout: 5_000 }))
          }
        })(),
      )
      expect(failure).toEqual(gone())
      expect(received).toEqual(Array.from({ length: received.length }, (_, index) => texts[index % 40]))
      expect(received.length).toBeGreaterThanOrEqual(limit - 1)
      segment.dispose(first)
    }
  })

  test('is followed by one that opens its end: the pipe goes on', async () => {
    const [first, second] = Pipe.create<number>({ memory: segment })
    for (let generation = 0; generation < 2; generation++) {
      const child = await startProcess().open('end', second)
      const echoed = child.run('echo', { name: 'end', count: 1, awaiting: false })
      first.sendSync(generation)
      expect(await first.receive()).toBe(generation)
      await echoed
      await child.kill()
      expect(await rejectionOf(first.receive())).toEqual(gone(/died/))
    }
  })
})

test('a thread of this process and one of another talk through a segment', async () => {
  const [first, second] = Pipe.create<string>({ memory: segment, capacityBytes: 1_024 })
  const child = await startProcess().open('end', second)
  const thread = await startThread().open('end', first)
  const texts = Array.from({ length: 50 }, (_, index) => String(index).repeat(index * 4))
  const echoed = child.run('echo', { name: 'end', count: 50, awaiting: false })
  for (const text of texts) {
    await thread.call('end', 'send', text)
    expect(await thread.call('end', 'receive')).toBe(text)
  }
  await echoed
  child.child.disconnect()
  await once(child.child, 'exit')
  expect(await rejectionOf(thread.call('end', 'receive'))).toMatchObject({ code: 'ERR_PEER_GONE' })
})
