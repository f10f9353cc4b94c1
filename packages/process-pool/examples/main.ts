import { BrokenError, ProcessPoolManager } from '@heddle/process-pool'
import { countPrimes, countWords, fall } from './tasks.js'

await using pool = new ProcessPoolManager({ maxWorkers: 2 })

const halves = await Promise.all([pool.run(countPrimes, [0, 5_000]), pool.run(countPrimes, [5_000, 10_000])])
console.log('primes below 10,000:', halves[0] + halves[1])

const lines = ['The warp holds still', 'and the weft goes to and fro']
for await (const words of pool.map(countWords, lines)) console.log('words:', [...words.keys()].join(' '))

// A process that falls takes its own task with it and nothing else.
const fallen = await pool.submitTask(fall, [])
const steady = await pool.submitTask(countPrimes, [0, 100])
const rows = await pool.waitForAllTasks()
for (const id of [fallen, steady]) {
  const row = rows.get(id)
  if (row?.status === 'success') console.log('steady:', row.result)
  if (row?.status === 'error' && row.error instanceof BrokenError) console.log('fallen:', row.error.message)
}
