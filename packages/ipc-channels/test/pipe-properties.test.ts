import { Pipe, type PipeEnd } from '@heddle/ipc-channels'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { wordsOfPipe } from './support/pipe-peer.js'
import { turnsOfTheLoop } from './support/until.js'

type Message = string | Uint8Array

const message = fc.oneof(
  fc.string({ maxLength: 60, unit: 'binary' }),
  fc.integer({ min: 1, max: 600 }).map((bytes) => new Uint8Array(bytes).map((_, index) => index * bytes)),
)

const step = fc.oneof(
  fc.record({ op: fc.constantFrom('send', 'trySend', 'sendSync'), from: fc.constantFrom(0, 1), message }),
  fc.record({ op: fc.constantFrom('receive', 'tryReceive', 'poll', 'giveUp'), from: fc.constantFrom(0, 1) }),
)
type Step = { readonly op: string; readonly from: number; readonly message?: Message }

interface Pending {
  readonly message: Message
  readonly controller: AbortController
  isOver: boolean
}

/** What is on its way in one direction: the obvious way. A message that a receive waits for has no place here. */
class Twin {
  readonly sent: Message[] = []
  readonly pending: Pending[] = []
  readonly receives: Promise<Message>[] = []
  readonly expected: Message[] = []

  /** In the order in which they were sent, for those that were to receive. */
  send(message: Message): void {
    if (this.expected.length < this.receives.length) this.expected.push(message)
    else this.sent.push(message)
  }
}

const same = (actual: unknown, expected: unknown) => expect(actual).toEqual(expected)
const oneOf = (actual: unknown, allowed: readonly unknown[]) => expect(allowed).toContain(actual)
const codeOf = (error: unknown) => (error as { code?: unknown }).code

async function expectTwoLists(steps: readonly Step[], capacityBytes: number): Promise<void> {
  const ends = Pipe.create<Message>({ capacityBytes })
  const twins = [new Twin(), new Twin()] as const
  const trial = async ({ op, from, message }: Step) => {
    const end = ends[from] as PipeEnd<Message, Message>
    const twin = twins[from as 0 | 1]
    const incoming = twins[(1 - from) as 0 | 1]
    // Those that are inside go first, then those that wait; a call that does not wait stands behind them.
    const waiting = () => twin.pending.filter((each) => !each.isOver)
    if (op === 'send') {
      const pending: Pending = { message: message as Message, controller: new AbortController(), isOver: false }
      twin.send(pending.message)
      twin.pending.push(pending)
      const { signal } = pending.controller
      end.send(pending.message, { signal }).then(
        () => {
          pending.isOver = true
        },
        () => {},
      )
    } else if (op === 'trySend' || op === 'sendSync') {
      let isSent = false
      try {
        if (op === 'trySend') isSent = end.trySend(message as Message)
        else {
          end.sendSync(message as Message, { timeout: 0 })
          isSent = true
        }
      } catch (error) {
        oneOf(codeOf(error), ['ERR_TIMEOUT', 'ERR_OUT_OF_RANGE'])
      }
      if (isSent) twin.send(message as Message)
    } else if (op === 'receive') {
      const received = end.receive()
      incoming.receives.push(received)
      const next = incoming.sent.shift()
      if (next !== undefined) incoming.expected.push(next)
    } else if (op === 'tryReceive') {
      const next = incoming.sent.shift()
      same(end.tryReceive(), next === undefined ? undefined : { message: next })
    } else if (op === 'poll') {
      same(end.pollSync({ timeout: 0 }), incoming.sent.length > 0)
    } else if (op === 'giveUp') {
      // Only the last one that waits: what it was to send is the last that was sent.
      const last = waiting().at(-1)
      const at = last ? twin.sent.lastIndexOf(last.message) : -1
      if (last && at === twin.sent.length - 1 && at >= 0) {
        last.controller.abort()
        twin.sent.pop()
        last.isOver = true
      }
    }
    await turnsOfTheLoop(1)
  }
  for (const each of steps) await trial(each)
  for (const [from, twin] of twins.entries()) {
    const other = ends[1 - from] as PipeEnd<Message, Message>
    const got = await Promise.all(twin.receives.slice(0, twin.expected.length))
    expect(got).toEqual(twin.expected)
    for (const message of twin.sent.splice(0)) expect(await other.receive({ timeout: 5_000 })).toEqual(message)
    expect(other.tryReceive()).toBeUndefined()
  }
  const left = twins.flatMap((twin) => twin.receives.slice(twin.expected.length))
  const endings = Promise.allSettled(left)
  for (const end of ends) end.close()
  for (const ending of await endings)
    expect(ending).toMatchObject({ status: 'rejected', reason: { code: 'ERR_CLOSED' } })
}

test('whatever is sent and received at both ends, in parts or whole, given up or not: both are as two lists would be', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.constantFrom(64, 100, 256, 2_000), (steps, capacityBytes) =>
      expectTwoLists(steps, capacityBytes),
    ),
    { numRuns: 60 },
  )
})

/** Of the first ring: the locks are not damaged here, they are the ground that all stands on. */
const [RING, PUT_LOCK, TAKE_LOCK] = [48, 16, 32]
const typed = ['ERR_CORRUPT', 'ERR_BAD_HANDLE', 'ERR_OUT_OF_RANGE', 'ERR_INVALID_ARG']

test('a damaged pipe gives messages or typed errors, in a bounded time and with little memory', () => {
  const word = fc.oneof(
    fc.integer(),
    fc.constantFrom(0, -1, 1, 2 ** 31 - 1, -(2 ** 31), 2 ** 30, 0x8000_0005 | 0),
    fc.nat(300),
  )
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(130), word), { minLength: 1, maxLength: 4 }),
      fc.array(message, { minLength: 1, maxLength: 5 }),
      (damage, messages) => {
        const [receiver, sender] = Pipe.create<Message>({ duplex: false, capacityBytes: 256, maxMessageBytes: 5_000 })
        const calls = [
          ...messages.map((message) => () => sender.sendSync(message, { timeout: 0 })),
          () => receiver.pollSync({ timeout: 0 }),
          ...Array.from({ length: 10 }, () => () => receiver.tryReceive()),
          () => sender.trySend('after the damage'),
          () => receiver.pollSync({ timeout: 0 }),
          ...Array.from({ length: 5 }, () => () => receiver.tryReceive()),
        ]
        const words = wordsOfPipe(receiver)
        const before = process.memoryUsage().arrayBuffers
        for (const [index, call] of calls.entries()) {
          if (index === messages.length)
            for (const [at, value] of damage) if (at !== PUT_LOCK && at !== TAKE_LOCK) words[RING + at] = value
          try {
            call()
          } catch (error) {
            oneOf(codeOf(error), [...typed, 'ERR_TIMEOUT'])
          }
        }
        expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20)
      },
    ),
    { numRuns: 500 },
  )
})

test('a record that is none is an error once, and what comes behind it arrives', () => {
  const [receiver, sender] = Pipe.create<Message>({ duplex: false, capacityBytes: 1_024, maxMessageBytes: 5_000 })
  const words = wordsOfPipe(receiver)
  const [TAIL, ENTRIES, DATA] = [RING + 17, RING + 64, RING + 64 + 2 * 64]
  const damages: [number, number][] = [
    [0, 400],
    [0, -1],
    [0, 3],
    [1, 12],
    [1, 0x8000_0000 | 0],
    [1, 0x7fff_ffff],
    [1, 0x8000_0000 | 5_001 | 0],
    [1, 0x8000_0002 | 0],
  ]
  for (const [word, value] of damages) {
    sender.sendSync('first')
    const start = words[ENTRIES + (((words[TAIL] as number) - 1) % 64) * 2] as number
    words[DATA + start + word] = value
    sender.sendSync('second')
    const failure = (() => {
      try {
        return receiver.tryReceive()
      } catch (error) {
        return error
      }
    })()
    expect(failure).toMatchObject({ name: 'CorruptError', code: 'ERR_CORRUPT' })
    expect(receiver.tryReceive()).toEqual({ message: 'second' })
    expect(receiver.tryReceive()).toBeUndefined()
  }
})
