import { Topic } from '@heddle/ipc-channels'
import { Latch } from '@heddle/sync-primitives'
import { ThreadPoolManager } from '@heddle/worker-pool'
import { listen } from './fan-out-tasks.js'

interface Price {
  readonly symbol: string
  readonly cents: number
}

// Every subscription gets every message that is published after it was made: so all must be there first.
const prices = new Topic<Price>({ capacity: 8 })
const listening = new Latch(3)

await using pool = new ThreadPoolManager({ maxWorkers: 3 })
const reports = ['all', 'OAK', 'ELM'].map((wanted) => pool.run(listen, [prices, listening, wanted]))
if (!(await listening.wait({ timeout: 10_000 }))) throw new Error('somebody does not listen')

for (let n = 0; n < 30; n++) {
  // Waits whenever the slowest listener is eight messages behind.
  await prices.publish({ symbol: n % 3 === 0 ? 'OAK' : 'ELM', cents: 100 + n })
}
prices.close() // what is pending is still received

for (const report of await Promise.all(reports)) console.log(report)
