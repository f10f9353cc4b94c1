import { ProcessPoolManager } from '@heddle/process-pool'
import type { Pattern } from '../pattern.js'
import { cpuIntensiveTask } from './tasks.js'

/** Ten chunks of numbers for four processes: the document's example_process_pool. */
export const cpuIntensive: Pattern = {
  name: 'cpu-intensive-task',
  title: 'cpu_intensive_task',
  aliases: ['example_process_pool'],
  kind: 'example',
  packages: ['@heddle/process-pool'],
  mends:
    'it counts the rows and looks at none, so a chunk that failed counts as processed: here each row is looked at and each sum compared',
  async run({ print, signal }) {
    const data = Array.from({ length: 10 }, (_, chunk) => Array.from({ length: 100 }, (_, n) => chunk * 100 + n))
    await using pool = new ProcessPoolManager({ maxWorkers: 4 })
    const ids: string[] = []
    for (const chunk of data) ids.push(await pool.submitTask(cpuIntensiveTask, [chunk], { signal }))
    const results = await pool.waitForAllTasks({ signal })
    const processed = [...results.values()].flatMap((row) => (row.status === 'success' ? [row.result] : []))
    print(`Processed ${processed.length} tasks`)

    const sums = data.map((chunk) => {
      let sum = 0
      for (const n of chunk) sum += n * n
      return sum
    })
    return [
      { what: 'the sum of each chunk', actual: processed, expected: sums },
      { what: 'the rows are in the order of the chunks', actual: [...results.keys()], expected: ids },
    ]
  },
}
