import type { Segment } from '@heddle/shared-memory'
import { AutoResetEvent } from '@heddle/sync-primitives'
import { charged } from '../../batches.js'
import type { Batches, Contenders } from '../../duels/batched.js'
import { futexOn } from './futex.js'
import { giveBare, type JobData, takeBare } from './jobs.js'
import { Peer } from './peer.js'
import { newSegment } from './segment.js'

/** Two of our events where both sides block, or await; two bare words; or the channel that a child process has anyway. */
export type Way = 'block' | 'await' | 'futex' | 'echo'

interface Meeting {
  readonly data: JobData
  readonly version?: string
  readonly drive: (calls: number, peer: Peer) => unknown
}

const segmentBytes = 1 << 16
/** Words that are further apart than any cache line. */
const apart = 64

/**
 * Round trips between this process and another one. Both sides of a duel use the same two processes, for two that run on one
 * core meet faster than two that run on two, and where they run is chance.
 */
export async function handoff(ours: Way, rival: Way): Promise<Contenders> {
  const segment = newSegment(segmentBytes)
  const meetings = [await meet(ours, segment), await meet(rival, segment)] as const
  const peer = await Peer.start(meetings.map(({ data }) => data))
  const side = ({ drive }: Meeting, which: number): Batches => ({
    batch: charged(
      async (calls) => {
        const { cost } = await peer.begin({ which, calls })
        await drive(calls, peer)
        await cost
      },
      () => peer.used,
    ),
  })
  const close = async () => {
    await peer.close()
    segment.close()
  }
  return {
    ours: { ...side(meetings[0], 0), close },
    rival: side(meetings[1], 1),
    version: meetings[1].version ?? process.version,
  }
}

async function meet(way: Way, segment: Segment): Promise<Meeting> {
  if (way === 'echo') return { data: { job: way }, drive: echoed }
  if (way === 'futex') return await bare(segment)
  const question = new AutoResetEvent(false, { memory: segment })
  const answer = new AutoResetEvent(false, { memory: segment })
  const data = { job: way, question: question.toHandle(), answer: answer.toHandle() } as const
  return { data, drive: way === 'block' ? blocking(question, answer) : awaiting(question, answer) }
}

function blocking(question: AutoResetEvent, answer: AutoResetEvent): Meeting['drive'] {
  return (calls) => {
    for (let n = 0; n < calls; n++) {
      question.set()
      answer.waitSync()
    }
  }
}

function awaiting(question: AutoResetEvent, answer: AutoResetEvent): Meeting['drive'] {
  return async (calls) => {
    for (let n = 0; n < calls; n++) {
      question.set()
      await answer.wait()
    }
  }
}

async function bare(segment: Segment): Promise<Meeting> {
  const { words } = segment
  const futex = await futexOn(words)
  const question = segment.allocate(2 * apart)
  const answer = question + apart
  return {
    data: { job: 'futex', segment: segment.toHandle(), question, answer },
    version: futex.version,
    drive: (calls) => {
      for (let n = 0; n < calls; n++) {
        giveBare(words, futex, question)
        takeBare(words, futex, answer)
      }
    },
  }
}

async function echoed(calls: number, peer: Peer): Promise<void> {
  for (let n = 0; n < calls; n++) if ((await peer.echo(n)) !== n) throw new Error('another number came back')
}
