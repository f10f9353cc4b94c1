import { MessageChannel } from 'node:worker_threads'
import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { charged } from '../../batches.js'
import type { Batches, Contenders } from '../../duels/batched.js'
import { newBareRing } from './bare-ring.js'
import type { MessageKind } from './messages.js'
import { newChannel } from './multithreading.js'
import { Partner } from './partner.js'
import type { SendingEnd, TakingEnd } from './ways.js'

type ThreadWay = 'queue' | 'port' | 'multithreading' | 'ring'

interface Way {
  readonly ends: readonly [sending: SendingEnd, taking: TakingEnd]
  readonly version?: string
}

/** The rival has no room for many more: its heap is of 64 KiB, and a larger channel overflows it. */
const capacity = 256

/**
 * Messages from one worker thread to another, over our queue and over the rival's way. Both sides of a duel use the same two
 * threads: on which cores these run is chance. A batch is over when all of its messages have been taken and checked.
 */
export async function betweenThreads(rival: Exclude<ThreadWay, 'queue'>, kind: MessageKind): Promise<Contenders> {
  const ways = [await newWay('queue'), await newWay(rival)] as const
  const partners = await Promise.all([
    Partner.inThread({ side: 'send', kind, ends: ways.map(({ ends }) => ends[0]) }),
    Partner.inThread({ side: 'take', kind, ends: ways.map(({ ends }) => ends[1]) }),
  ])
  return {
    ours: { ...sideOf(partners, 0), close: () => Promise.all(partners.map((partner) => partner.close())) },
    rival: sideOf(partners, 1),
    version: ways[1].version ?? process.version,
  }
}

/** Our queue alone, for rivals that run elsewhere. */
export async function queueBetweenThreads(kind: MessageKind): Promise<Batches> {
  const { ends } = await newWay('queue')
  const partners = await Promise.all([
    Partner.inThread({ side: 'send', kind, ends: [ends[0]] }),
    Partner.inThread({ side: 'take', kind, ends: [ends[1]] }),
  ])
  return { ...sideOf(partners, 0), close: () => Promise.all(partners.map((partner) => partner.close())) }
}

function sideOf(partners: readonly Partner[], which: number): Batches {
  return {
    batch: charged(async (calls) => {
      await Promise.all(partners.map(async (partner) => (await partner.begin({ which, calls })).cost))
    }),
  }
}

async function newWay(way: ThreadWay): Promise<Way> {
  switch (way) {
    case 'queue': {
      const end = { way, queue: new ThreadSafeQueue<unknown>({ capacity }).toHandle() } as const
      return { ends: [end, end] }
    }
    case 'port': {
      const { port1, port2 } = new MessageChannel()
      return {
        ends: [
          { way, port: port1 },
          { way, port: port2 },
        ],
      }
    }
    case 'multithreading': {
      const { version, sender, receiver } = await newChannel(capacity)
      return {
        ends: [
          { way, channel: sender },
          { way, channel: receiver },
        ],
        version,
      }
    }
    case 'ring': {
      const end = { way, ring: newBareRing(capacity) } as const
      return { ends: [end, end] }
    }
  }
}
