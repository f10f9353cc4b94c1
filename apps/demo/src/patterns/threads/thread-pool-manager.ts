import { ManualResetEvent } from '@heddle/sync-primitives'
import { ThreadPoolManager } from '@heddle/worker-pool'
import { failureCode } from '../failure-code.js'
import type { Pattern } from '../pattern.js'
import { sumBehindGate, sumOfSquares } from './tasks.js'

/** Tasks are submitted to a pool of threads, and asked for by their ids. */
export const threadPoolManager: Pattern = {
  name: 'thread-pool-manager',
  title: 'ThreadPoolManager',
  kind: 'class',
  packages: ['@heddle/worker-pool'],
  mends:
    'a wait for a result that times out forgets the task, and its result is lost: here the id stays until somebody takes the result',
  async run({ print, signal }) {
    await using pool = new ThreadPoolManager({ maxWorkers: 2 })
    const id = await pool.submitTask(sumOfSquares, [100], { signal })
    const result = await pool.getTaskResult(id, { signal })
    print(`${id} has come to ${String(result)}`)
    const takenTwice = await failureCode(signal, () => pool.getTaskResult(id, { signal }))

    const gate = new ManualResetEvent()
    const slow = await pool.submitTask(sumBehindGate, [gate, 10], { signal })
    const early = await failureCode(signal, () => pool.getTaskResult(slow, { timeout: 20, signal }))
    gate.set()
    const late = await pool.getTaskResult(slow, { signal })
    print(`${slow} was not done in 20 ms, and later has come to ${String(late)}`)

    for (const last of [3, -1, 5]) await pool.submitTask(sumOfSquares, [last], { signal })
    const rows = await pool.waitForAllTasks({ signal })
    for (const [task, row] of rows)
      print(
        `${task}: ${row.status}, ${String(row.status === 'success' ? row.result : row.status === 'error' && row.error)}`,
      )

    return [
      { what: 'the result of a task', actual: result, expected: 338_350 },
      { what: 'asking again for what was taken', actual: takenTwice, expected: 'ERR_UNKNOWN_TASK' },
      { what: 'asking for what is not done in time', actual: early, expected: 'ERR_TIMEOUT' },
      { what: 'asking for it later', actual: late, expected: 385 },
      {
        what: 'the rows of all tasks that were not asked for, in the order of submission',
        actual: [...rows.values()],
        expected: [
          { status: 'success', result: 1 + 4 + 9 },
          { status: 'error', error: new RangeError('cannot count to -1') },
          { status: 'success', result: 1 + 4 + 9 + 16 + 25 },
        ],
      },
    ]
  },
}
