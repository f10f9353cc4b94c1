import { ProcessPoolManager } from '@heddle/process-pool'
import type { Pattern } from '../pattern.js'
import { cpuIntensiveTask } from '../processes/tasks.js'

/** The runbook's second quick start: one task in a child process. */
export const quickStartMultiprocessing: Pattern = {
  name: 'quick-start-multiprocessing',
  title: 'Multiprocessing for CPU-bound tasks',
  aliases: ['quick start 2'],
  kind: 'quick start',
  packages: ['@heddle/process-pool'],
  mends:
    'it imports a module that is not there, the file being `03-multiprocessing-patterns.py`, and calls a function that nobody defines: here both are there',
  async run({ print, signal }) {
    const data = Array.from({ length: 100 }, (_, n) => n)
    await using pool = new ProcessPoolManager({ maxWorkers: 4 })
    const taskId = await pool.submitTask(cpuIntensiveTask, [data], { signal })
    const result = await pool.getTaskResult(taskId, { signal })
    print(`${taskId} came to ${String(result)}`)

    let expected = 0
    for (const n of data) expected += n * n
    return [{ what: 'the result', actual: result, expected }]
  },
}
