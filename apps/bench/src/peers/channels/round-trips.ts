import { Pipe } from '@heddle/ipc-channels'
import type { Segment } from '@heddle/shared-memory'
import { charged } from '../../batches.js'
import type { Batches, Contenders } from '../../duels/batched.js'
import { futexOn } from '../memory/futex.js'
import { giveBare, takeBare } from '../memory/jobs.js'
import { newSegment } from '../memory/segment.js'
import type { AnsweringEnd } from './answers.js'
import { Partner } from './partner.js'

interface Way {
  readonly answering: AnsweringEnd
  readonly drive: (calls: number) => void
  readonly version: string
}

const segmentBytes = 1 << 20
/** Words that are further apart than any cache line. */
const apart = 64

/**
 * Round trips between this process and another one: numbers through our pipe, and nothing but the signals by bare futex calls. Both
 * sides use the same two processes, for two that run on one core meet faster than two that run on two, and where they run is chance.
 */
export async function pipeBesideFutex(): Promise<Contenders> {
  const segment = newSegment(segmentBytes)
  const [pipe, futex] = [throughPipe(segment), await byFutex(segment)]
  const [ours, rival] = (await between(segment, [pipe, futex])) as [Batches, Batches]
  return { ours, rival, version: futex.version }
}

/** The pipe alone, for rivals that run elsewhere. */
export async function pipeAlone(): Promise<Batches> {
  const segment = newSegment(segmentBytes)
  return (await between(segment, [throughPipe(segment)]))[0] as Batches
}

async function between(segment: Segment, ways: readonly Way[]): Promise<Batches[]> {
  const { partner } = await Partner.inProcess({
    side: 'take',
    kind: 'object',
    ends: ways.map(({ answering }) => answering),
  })
  const close = async () => {
    await partner.close()
    segment.close()
  }
  return ways.map(({ drive }, which) => ({
    batch: charged(
      async (calls) => {
        const { cost } = await partner.begin({ which, calls })
        drive(calls)
        await cost
      },
      () => partner.used,
    ),
    ...(which === 0 ? { close } : {}),
  }))
}

function throughPipe(memory: Segment): Way {
  const [own, other] = Pipe.create<number>({ memory })
  return {
    answering: { way: 'pipe', end: other.toHandle() },
    version: process.version,
    drive: (calls) => {
      for (let n = 0; n < calls; n++) {
        own.sendSync(n)
        if (own.receiveSync() !== n) throw new Error('another number came back')
      }
    },
  }
}

async function byFutex(segment: Segment): Promise<Way> {
  const { words } = segment
  const futex = await futexOn(words)
  const question = segment.allocate(2 * apart)
  const answer = question + apart
  return {
    answering: { way: 'futex', segment: segment.toHandle(), question, answer },
    version: futex.version,
    drive: (calls) => {
      for (let n = 0; n < calls; n++) {
        giveBare(words, futex, question)
        takeBare(words, futex, answer)
      }
    },
  }
}
