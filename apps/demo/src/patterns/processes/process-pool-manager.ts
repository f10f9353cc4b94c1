import { ProcessPoolManager, type TaskRow } from '@heddle/process-pool'
import { failureCode } from '../failure-code.js'
import type { Pattern } from '../pattern.js'
import { cpuIntensiveTask, fall, refuse } from './tasks.js'

/** Tasks by id in child processes: what they come to, what they throw, and how one that falls leaves the others alone. */
export const processPoolManager: Pattern = {
  name: 'process-pool-manager',
  title: 'ProcessPoolManager',
  kind: 'class',
  packages: ['@heddle/process-pool'],
  mends:
    'one process that dies breaks its pool for all other tasks, and of an error only the text is left: here the others go on, and errors arrive as themselves',
  async run({ print, signal }) {
    const numbers = Array.from({ length: 1_000 }, (_, n) => n)
    await using pool = new ProcessPoolManager({ maxWorkers: 2 })

    const single = await pool.submitTask(cpuIntensiveTask, [numbers], { signal })
    // Who asks too early loses nothing: the task goes on, and its id stays.
    const early = await failureCode(signal, () => pool.getTaskResult(single, { timeout: 0 }))
    const result = await pool.getTaskResult(single, { signal })
    print(`${single} came to ${String(result)}`)
    const taken = await failureCode(signal, () => pool.getTaskResult(single))
    const unknown = await failureCode(signal, () => pool.getTaskResult('task_99'))

    const refused = await pool.submitTask(refuse, ['such thing'], { signal })
    const fallen = await pool.submitTask(fall, [], { signal })
    const behind = await pool.submitTask(cpuIntensiveTask, [numbers], { signal })
    const rows = await pool.waitForAllTasks({ signal })
    for (const [id, row] of rows) print(`${id}: ${row.status} ${String(outcomeOf(row))}`)
    const refusal = rows.get(refused)
    const error = (refusal?.status === 'error' ? refusal.error : {}) as Error & { cause?: { asked: string } }

    let sum = 0
    for (const n of numbers) sum += n * n
    return [
      { what: 'the result of one task', actual: result, expected: sum },
      { what: 'a wait of no time for it', actual: early, expected: 'ERR_TIMEOUT' },
      {
        what: 'ids that are not there',
        actual: [taken, unknown],
        expected: ['ERR_UNKNOWN_TASK', 'ERR_UNKNOWN_TASK'],
      },
      {
        what: 'the rows of all tasks',
        actual: [...rows].map(([id, row]) => [id, outcomeOf(row)]),
        expected: [
          [refused, 'E_NONE'],
          [fallen, 'ERR_WORKER_CRASHED'],
          [behind, sum],
        ],
      },
      {
        what: 'the error of a task is itself',
        actual: [error.name, error.message, error.cause?.asked],
        expected: ['RangeError', 'there is no such thing', 'such thing'],
      },
    ]
  },
}

/** The result of a row, or the code of its error. */
function outcomeOf(row: TaskRow): unknown {
  if (row.status === 'success') return row.result
  return row.status === 'error' ? (row.error as NodeJS.ErrnoException).code : 'pending'
}
