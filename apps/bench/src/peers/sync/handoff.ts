import { charged, type Side } from '../../batches.js'
import { newSignal, openSignal, type Signal, type SignalData } from './events.js'
import { Gang } from './gang.js'

interface Pair {
  readonly question: SignalData
  readonly answer: SignalData
}

/** What a thread that answers finds in its `workerData`. */
export interface HandoffData {
  readonly pairs: readonly [ours: Pair, bare: Pair]
}

/**
 * Round trips between this thread and a worker: this one blocks or awaits, the worker blocks. Both sides use the same two
 * threads, for two that run on one core meet several times faster than two that run on two, and where they run is chance.
 */
export async function handoff(how: 'block' | 'await', calls: number): Promise<[ours: Side, bare: Side]> {
  const pairs = [await newPair('ours'), await newPair('bare')] as const
  const gang = await Gang.start(new URL('./handoff-worker.js', import.meta.url), 1, { pairs } satisfies HandoffData)
  const side = async (which: 0 | 1): Promise<Side> => {
    const [question, answer] = await openPair(pairs[which])
    return {
      calls,
      batch: charged(async (count) => {
        gang.begin(count, which)
        await (how === 'block' ? block(question, answer, count) : arrive(question, answer, count))
        await gang.finish()
      }),
      close: () => gang.close(),
    }
  }
  return [await side(0), await side(1)]
}

async function newPair(whose: 'ours' | 'bare'): Promise<Pair> {
  return { question: await newSignal(whose), answer: await newSignal(whose) }
}

export async function openPair({ question, answer }: Pair): Promise<[question: Signal, answer: Signal]> {
  return [await openSignal(question), await openSignal(answer)]
}

function block(question: Signal, answer: Signal, count: number): void {
  for (let n = 0; n < count; n++) {
    question.send()
    answer.block()
  }
}

async function arrive(question: Signal, answer: Signal, count: number): Promise<void> {
  // Atomics.waitAsync does not keep the process alive, and what awaits it by bare means has to see to that.
  const alive = setInterval(() => {}, 60_000)
  for (let n = 0; n < count; n++) {
    question.send()
    await answer.arrive()
  }
  clearInterval(alive)
}
