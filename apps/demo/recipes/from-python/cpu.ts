import { ThreadPoolManager } from '@heddle/worker-pool'
import { sumOfSquares } from './cpu-tasks.js'

await using pool = new ThreadPoolManager({ maxWorkers: 2 })
for (const n of [10, -1, 20]) await pool.submitTask(sumOfSquares, [n])
for (const row of (await pool.waitForAllTasks()).values()) {
  if (row.status === 'success') console.log(row.status, row.result)
  if (row.status === 'error') console.log(row.status, (row.error as Error).message)
}
