import { MessageChannel } from 'node:worker_threads'
import { duels } from '@heddle/bench/duels/channels.js'
import { BareRing, newBareRing } from '@heddle/bench/peers/channels/bare-ring.js'
import { type MessageKind, messagesOf } from '@heddle/bench/peers/channels/messages.js'
import { newChannel } from '@heddle/bench/peers/channels/multithreading.js'
import { Partner } from '@heddle/bench/peers/channels/partner.js'
import { queueBesideSend, queueBetweenProcesses } from '@heddle/bench/peers/channels/processes.js'
import { pipeBesideFutex } from '@heddle/bench/peers/channels/round-trips.js'
import { betweenThreads } from '@heddle/bench/peers/channels/threads.js'
import type { SendingEnd, TakingEnd } from '@heddle/bench/peers/channels/ways.js'
import { children } from '@heddle/bench/peers/pool/children.js'
import { plans } from '@heddle/bench/suites/channels-plans.js'
import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { expect, test } from '@jest/globals'
import { chargedOfPeers } from './support/charged.ts'
import { testSuite } from './support/suite-claims.ts'

const goals = {
  'queue-thread-bytes': '<= 0.2',
  'queue-thread-object': '<= 1',
  'queue-vs-multithreading': '>= 10',
  'queue-process-bytes': '>= 10',
  'queue-process-many': '>= 20',
  'queue-process-object': '>= 5',
  'queue-vs-send': '>= 10',
  'pipe-roundtrip': '<= 2',
  'pipe-vs-python': '>= 2.5',
}

const peers = [
  'postMessage',
  'a bare ring of 64-byte slots',
  'multithreading',
  'process.send',
  'python3 queue.Queue',
  'python3 multiprocessing.Queue',
  'bare futex calls through koffi',
  'python3 multiprocessing.Pipe',
]

const onLinux = process.platform === 'linux' ? test : test.skip

testSuite({ suite: 'channels', goals, peers, plans, duels, calls: 100 })

test.each<MessageKind>(['bytes', 'text', 'object'])(
  'a message of kind %s is known from its neighbours, from its parts and from its copy with another end',
  (kind) => {
    const { make, check } = messagesOf(kind)
    for (const n of [0, 1, 255, 256, 70_000]) {
      const copy: unknown = structuredClone(make(n))
      expect(() => check(copy, n)).not.toThrow()
      for (const other of [n + 1, n + 2, n + 255]) expect(() => check(copy, other)).toThrow(`message ${other}`)
      for (const wrong of [changed(copy), shortened(copy)]) expect(() => check(wrong, n)).toThrow(`message ${n}`)
    }
  },
)

test('the bare ring hands over what was put in, in its order, also when its counts wrap around', () => {
  const data = newBareRing(4)
  // Each side has put and taken almost 2^31 before.
  const words = new Int32Array(data.buffer)
  words[0] = words[64] = 2 ** 31 - 6
  const [puts, takes] = [new BareRing(data), new BareRing(data)]
  const { make, check } = messagesOf('bytes')
  for (let n = 0; n < 40; n += 4) {
    for (let i = 0; i < 4; i++) puts.put(make(n + i) as Uint8Array)
    for (let i = 0; i < 4; i++) check(takes.take(), n + i)
  }
  expect([words[0], words[64]]).toEqual([(2 ** 31 + 34) | 0, (2 ** 31 + 34) | 0])
})

test.each([
  ['port', 'bytes'],
  ['port', 'object'],
  ['ring', 'bytes'],
  ['multithreading', 'object'],
] as const)(
  'batch after batch by %s, of kind %s, comes to its end between two threads, an empty one and one of each size included',
  async (way, kind) => {
    const { ours, rival } = await betweenThreads(way, kind)
    try {
      for (const calls of [1, 0, 700, 3])
        for (const side of [ours, rival]) expect((await side.batch(calls)).wall).toBeGreaterThan(0)
    } finally {
      await ours.close?.()
    }
  },
  30_000,
)

test.each(['queue', 'batches', 'port', 'ring', 'multithreading'] as const)(
  'a message by %s that is not the one that had to come fails the batch',
  async (way) => {
    const [sending, taking] = await newWay(way)
    const kind = way === 'multithreading' ? 'object' : 'bytes'
    const partners = await Promise.all([
      Partner.inThread({ side: 'send', kind, ends: [sending] }),
      Partner.inThread({ side: 'take', kind, ends: [taking] }),
    ])
    try {
      const [sent, taken] = await Promise.all(partners.map((partner) => partner.begin({ which: 0, calls: 10 })))
      await Promise.all([sent?.cost, taken?.cost])
      // The second ten begin with message 0 again, and the side that takes waits for message 10.
      const [, late] = await Promise.all(
        partners.map((partner, n) => partner.begin({ which: 0, calls: n === 0 ? 10 : 20 })),
      )
      await partners[0]?.begin({ which: 0, calls: 10 })
      await expect(late?.cost).rejects.toThrow('message 10 did not come as it was sent, or in its turn')
    } finally {
      await Promise.all(partners.map((partner) => partner.close()))
    }
  },
  20_000,
)

for (const [way, kind] of [
  ['queue', 'bytes'],
  ['batches', 'bytes'],
  ['queue', 'object'],
] as const)
  onLinux(
    `messages of kind ${kind} by ${way} come to their end in the other process, which is charged and gone afterwards`,
    async () => {
      const before = children()
      const side = await queueBetweenProcesses(way, kind)
      const started = children().filter((pid) => !before.includes(pid))
      try {
        for (const calls of [0, 1, 64, 2001]) await side.batch(calls)
        expect(await chargedOfPeers(side, started, 20_000)).toBeGreaterThan(0.2)
      } finally {
        await side.close?.()
      }
      expect(started).toHaveLength(1)
      expect(children()).not.toContain(started[0])
    },
    30_000,
  )

for (const [kind, serialization] of [
  ['bytes', 'advanced'],
  ['text', 'json'],
] as const)
  onLinux(
    `messages by process.send with ${serialization} come to their end between orders to the queue, and both sides are charged`,
    async () => {
      const before = children()
      const { ours, rival } = await queueBesideSend(kind, serialization)
      const started = children().filter((pid) => !before.includes(pid))
      try {
        for (const calls of [0, 1, 300]) for (const side of [ours, rival]) await side.batch(calls)
        for (const side of [ours, rival]) expect(await chargedOfPeers(side, started, 3000)).toBeGreaterThan(0.2)
      } finally {
        await ours.close?.()
      }
      expect(children()).not.toContain(started[0])
    },
    30_000,
  )

onLinux(
  'round trips through a pipe and by bare futex calls come to their end in both processes, and both sides are charged',
  async () => {
    const before = children()
    const { ours, rival } = await pipeBesideFutex()
    const started = children().filter((pid) => !before.includes(pid))
    try {
      for (const side of [ours, rival, ours]) expect(await chargedOfPeers(side, started, 1000)).toBeGreaterThan(0.2)
    } finally {
      await ours.close?.()
    }
    expect(children()).not.toContain(started[0])
  },
  30_000,
)

async function newWay(way: SendingEnd['way']): Promise<[SendingEnd, TakingEnd]> {
  if (way === 'port') {
    const { port1, port2 } = new MessageChannel()
    return [
      { way, port: port1 },
      { way, port: port2 },
    ]
  }
  if (way === 'multithreading') {
    const { sender, receiver } = await newChannel(64)
    return [
      { way, channel: sender },
      { way, channel: receiver },
    ]
  }
  const end: SendingEnd =
    way === 'ring'
      ? { way, ring: newBareRing(64) }
      : { way, queue: new ThreadSafeQueue<unknown>({ capacity: 64 }).toHandle() }
  return [end, end]
}

function changed(message: unknown): unknown {
  if (typeof message === 'string') return `${message.slice(0, -1)}!`
  if (ArrayBuffer.isView(message)) return (message as Uint8Array).with(63, ((message as Uint8Array)[63] ?? 0) ^ 1)
  return { ...(message as object), value: 0.25 }
}

function shortened(message: unknown): unknown {
  if (typeof message === 'string') return message.slice(1)
  if (ArrayBuffer.isView(message)) return (message as Uint8Array).subarray(0, 63)
  return { ...(message as object), op: undefined }
}
