import { Worker } from 'node:worker_threads'
import { Latch } from '@heddle/sync-primitives'

// Nothing is served before each part has said that it is ready.
const parts = ['index', 'cache', 'mailer']
const ready = new Latch(parts.length)
const open = new Latch(1)

const workers = parts.map(
  (name) =>
    new Worker(new URL('./start-up-part.js', import.meta.url), {
      workerData: { name, ready: ready.toHandle(), open: open.toHandle() },
    }),
)

// A latch has no owners, so nobody hears of a part that died: such a wait needs a time limit.
if (!(await ready.wait({ timeout: 10_000 }))) throw new Error(`${ready.count} parts are missing`)
console.log(`all ${parts.length} parts are ready`)

const answers = workers.map((worker) => new Promise<string>((resolve) => worker.once('message', resolve)))
open.countDown() // and all begin at once
console.log((await Promise.all(answers)).join(', '))
