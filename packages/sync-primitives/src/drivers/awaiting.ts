import type { Memory } from '../memory/memory.js'
import type { Steps } from '../steps.js'
import { type Ending, Patience } from './patience.js'
import { Run } from './run.js'

/** What an awaited algorithm came to, and why it was ended if it was. */
export interface Awaited<Result> {
  readonly result: Result
  readonly ending: Ending | undefined
}

/**
 * Runs an algorithm to its end without blocking this thread. Keeps the process alive meanwhile.
 *
 * @param deadline - on `performance.now()`'s clock
 */
export function runAwaiting<Result>(
  memory: Memory,
  steps: Steps<Result>,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<Awaited<Result>> {
  return new Promise((resolve, reject) => {
    const run = new Run(
      memory,
      steps,
      (result) => {
        patience.end()
        resolve({ result, ending: undefined })
      },
      (error) => {
        patience.end()
        reject(error)
      },
    )
    const patience = new Patience(deadline, signal, (ending) => {
      try {
        resolve({ result: run.giveUp(), ending })
      } catch (error) {
        reject(error)
      }
    })
    run.start()
    patience.watchClock()
  })
}
