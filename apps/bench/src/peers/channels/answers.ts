import { PipeEnd } from '@heddle/ipc-channels'
import { Segment } from '@heddle/shared-memory'
import { futexOn } from '../memory/futex.js'
import { giveBare, takeBare } from '../memory/jobs.js'

type PipeEndHandle = ReturnType<PipeEnd<number, number>['toHandle']>
type SegmentHandle = ReturnType<Segment['toHandle']>

/** Where a message comes from, and an answer goes to. */
export type AnsweringEnd =
  | { readonly way: 'pipe'; readonly end: PipeEndHandle }
  | { readonly way: 'futex'; readonly segment: SegmentHandle; readonly question: number; readonly answer: number }

type Job = (calls: number) => unknown

/** The side that sends each message back. */
export async function openAnswering(data: AnsweringEnd): Promise<Job> {
  if (data.way === 'pipe') return echoing(PipeEnd.fromHandle(data.end))
  const { words } = Segment.fromHandle(data.segment)
  const futex = await futexOn(words)
  return (calls) => {
    for (let n = 0; n < calls; n++) {
      takeBare(words, futex, data.question)
      giveBare(words, futex, data.answer)
    }
  }
}

function echoing(end: PipeEnd<number, number>): Job {
  return (calls) => {
    for (let n = 0; n < calls; n++) end.sendSync(end.receiveSync())
  }
}
