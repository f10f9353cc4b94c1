import type { MessagePort } from 'node:worker_threads'
import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { type AnsweringEnd, openAnswering } from './answers.js'
import { BareRing, type BareRingData } from './bare-ring.js'
import { type MessageKind, type Messages, messagesOf } from './messages.js'
import { type ChannelEnd, openReceiver, openSender } from './multithreading.js'

type QueueHandle = ReturnType<ThreadSafeQueue<unknown>['toHandle']>

/** One end of a way from one side to the other, as it is told to the thread or the process that is that side. */
export type SendingEnd =
  | { readonly way: 'queue' | 'batches'; readonly queue: QueueHandle }
  | { readonly way: 'port'; readonly port: MessagePort }
  | { readonly way: 'multithreading'; readonly channel: ChannelEnd }
  | { readonly way: 'ring'; readonly ring: BareRingData }

/** The same for the other side; and the channel that a child process has anyway; and what each message goes back through. */
export type TakingEnd = SendingEnd | { readonly way: 'send' } | AnsweringEnd

/** Sends or takes that many messages; those that it takes it checks. */
export type Job = (calls: number) => unknown

/** Has every message that comes handed to `take`. */
export type Listen = (take: (message: unknown) => void) => void

/** Messages at a time, where a way has them. */
const batch = 64

/** The side that sends. Each way has a loop of its own, compiled for itself. */
export async function openSending(end: SendingEnd, kind: MessageKind): Promise<Job> {
  const { make } = messagesOf(kind)
  switch (end.way) {
    case 'queue':
      return putting(ThreadSafeQueue.fromHandle(end.queue), make)
    case 'batches':
      return puttingMany(ThreadSafeQueue.fromHandle(end.queue), make)
    case 'port':
      return posting(end.port, make)
    case 'multithreading':
      return sending(await openSender(end.channel), make)
    case 'ring':
      return filling(new BareRing(end.ring), make)
  }
}

/** The side that takes. */
export async function openTaking(end: TakingEnd, kind: MessageKind, channel?: Listen): Promise<Job> {
  const { check } = messagesOf(kind)
  switch (end.way) {
    case 'queue':
      return getting(ThreadSafeQueue.fromHandle(end.queue), check)
    case 'batches':
      return gettingMany(ThreadSafeQueue.fromHandle(end.queue), check)
    case 'port':
      return hearing((take) => end.port.on('message', take), check)
    case 'multithreading':
      return receiving(await openReceiver(end.channel), check)
    case 'ring':
      return draining(new BareRing(end.ring), check)
    case 'send':
      if (channel === undefined) throw new Error('there is no such channel here')
      return hearing(channel, check)
    case 'pipe':
    case 'futex':
      return await openAnswering(end)
  }
}

type Make = Messages['make']
type Check = Messages['check']

function putting(queue: ThreadSafeQueue<unknown>, make: Make): Job {
  return (calls) => {
    for (let n = 0; n < calls; n++) queue.putSync(make(n))
  }
}

function getting(queue: ThreadSafeQueue<unknown>, check: Check): Job {
  return (calls) => {
    for (let n = 0; n < calls; n++) check(queue.getSync(), n)
    if (queue.size !== 0) throw new Error('more messages came than were sent')
  }
}

function puttingMany(queue: ThreadSafeQueue<unknown>, make: Make): Job {
  return (calls) => {
    for (let start = 0; start < calls; start += batch) {
      const items: unknown[] = []
      for (let n = start; n < Math.min(start + batch, calls); n++) items.push(make(n))
      queue.putManySync(items)
    }
  }
}

function gettingMany(queue: ThreadSafeQueue<unknown>, check: Check): Job {
  return (calls) => {
    for (let n = 0; n < calls; ) for (const message of queue.getManySync(batch)) check(message, n++)
    if (queue.size !== 0) throw new Error('more messages came than were sent')
  }
}

function posting(port: MessagePort, make: Make): Job {
  return (calls) => {
    for (let n = 0; n < calls; n++) port.postMessage(make(n))
  }
}

/** Messages may come before the side is told how many it is to take. One too many is taken for one of the next lot, a wrong one. */
function hearing(listen: Listen, check: Check): Job {
  let n = 0
  let expected = Number.POSITIVE_INFINITY
  let done = () => {}
  listen((message) => {
    check(message, n++)
    if (n === expected) done()
  })
  return (calls) =>
    new Promise<void>((resolve) => {
      done = () => {
        n = 0
        expected = Number.POSITIVE_INFINITY
        resolve()
      }
      expected = calls
      if (n === expected) done()
    })
}

function sending(send: (message: unknown) => void, make: Make): Job {
  return (calls) => {
    for (let n = 0; n < calls; n++) send(make(n))
  }
}

function receiving(receive: () => unknown, check: Check): Job {
  return (calls) => {
    for (let n = 0; n < calls; n++) check(receive(), n)
  }
}

function filling(ring: BareRing, make: Make): Job {
  return (calls) => {
    for (let n = 0; n < calls; n++) ring.put(make(n) as Uint8Array)
  }
}

function draining(ring: BareRing, check: Check): Job {
  return (calls) => {
    for (let n = 0; n < calls; n++) check(ring.take(), n)
  }
}
