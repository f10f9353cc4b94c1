import { startTimer } from '@heddle/pool-core/building-blocks'
import { ClusterError } from '../errors.js'

/** The time that a start may take, all of its steps together. */
export interface TimeLimit {
  readonly isOver: boolean
  /** As the step, but rejected with ClusterError `ERR_NO_SERVER` when the time is over. The step itself goes on. */
  limit<Value>(step: Promise<Value>): Promise<Value>
}

/** Does the work under a limit of so many milliseconds; Infinity: none. Leaves no timer. */
export async function within<Value>(ms: number, work: (time: TimeLimit) => Promise<Value>): Promise<Value> {
  if (ms === Number.POSITIVE_INFINITY) return work({ isOver: false, limit: (step) => step })
  let isOver = false
  let stopTimer: () => void = () => undefined
  const over = new Promise<never>((_resolve, reject) => {
    stopTimer = startTimer(ms, () => {
      isOver = true
      reject(new ClusterError('ERR_NO_SERVER', `the local server did not start within ${ms} ms`))
    })
  })
  over.catch(() => undefined)
  try {
    return await work({
      get isOver() {
        return isOver
      },
      limit: (step) => Promise.race([step, over]),
    })
  } finally {
    stopTimer()
  }
}
