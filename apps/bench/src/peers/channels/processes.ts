import type { ChildProcess } from 'node:child_process'
import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { charged } from '../../batches.js'
import type { Batches, Contenders } from '../../duels/batched.js'
import { newSegment } from '../memory/segment.js'
import { type MessageKind, messagesOf } from './messages.js'
import { Partner } from './partner.js'
import { type Job, openSending } from './ways.js'

const segmentBytes = 1 << 20
const pace = 64

/** Our queue in a segment: this process puts, another one takes, one by one or by `putMany` and `getMany`; each blocks. */
export async function queueBetweenProcesses(way: 'queue' | 'batches', kind: MessageKind): Promise<Batches> {
  const segment = newSegment(segmentBytes)
  const queue = new ThreadSafeQueue<unknown>({ memory: segment })
  const end = { way, queue: queue.toHandle() } as const
  const { partner } = await Partner.inProcess({ side: 'take', kind, ends: [end] })
  return {
    ...sideOf(partner, 0, await openSending(end, kind)),
    close: async () => {
      await partner.close()
      segment.close()
    },
  }
}

/**
 * Our queue, and the channel that a child process has anyway. Both sides use the same two processes.
 *
 * @param serialization - of that channel: bytes go by 'advanced', text by 'json'
 */
export async function queueBesideSend(kind: MessageKind, serialization: 'json' | 'advanced'): Promise<Contenders> {
  const segment = newSegment(segmentBytes)
  const queue = new ThreadSafeQueue<unknown>({ memory: segment })
  const end = { way: 'queue', queue: queue.toHandle() } as const
  const { partner, process: child } = await Partner.inProcess(
    { side: 'take', kind, ends: [end, { way: 'send' }] },
    serialization,
  )
  const close = async () => {
    await partner.close()
    segment.close()
  }
  return {
    ours: { ...sideOf(partner, 0, await openSending(end, kind)), close },
    rival: sideOf(partner, 1, sendingTo(child, kind)),
    version: process.version,
  }
}

function sideOf(partner: Partner, which: number, drive: Job): Batches {
  return {
    batch: charged(
      async (calls) => {
        const { cost } = await partner.begin({ which, calls })
        await drive(calls)
        await cost
      },
      () => partner.used,
    ),
  }
}

/** The sender now and then waits until what it sent has been written: what piles up in it costs it more. */
function sendingTo(child: ChildProcess, kind: MessageKind): Job {
  const { make } = messagesOf(kind)
  return async (calls) => {
    for (let n = 0; n < calls; n++)
      if (n % pace === 0) await new Promise((resolve) => child.send(make(n) as string, resolve))
      else child.send(make(n) as string)
  }
}
