import { fork } from 'node:child_process'
import { once } from 'node:events'
import { ProcessCommunication } from '@heddle/ipc-channels'
import type { Answer, Job } from './work-queue-worker.js'

using office = await ProcessCommunication.create({ size: 1 << 20 })
const jobs = office.createQueue<Job>('jobs', { capacity: 4 })
const answers = office.createQueue<Answer>('answers')
// So that no worker waits for jobs or for room when this process has died: it gets ERR_PEER_GONE.
using _producing = jobs.registerProducer()
using _consuming = answers.registerConsumer()

const program = new URL('./work-queue-worker.js', import.meta.url)
const workers = [1, 2].map(() => fork(program, [office.name]))
const exits = workers.map((worker) => once(worker, 'exit'))

// With room for four, a put waits whenever the workers are that far behind.
const producing = (async () => {
  for (let id = 1; id <= 20; id++) await jobs.put({ id, number: id * 1_000 })
  jobs.close() // what is inside is still done, then the workers end
})()

const byId = new Map<number, Answer>()
while (byId.size < 20) {
  const answer = await answers.get({ timeout: 10_000 })
  byId.set(answer.id, answer)
}
await producing

const sum = [...byId.values()].reduce((total, { divisors }) => total + divisors, 0)
console.log(`${byId.size} answers, job 7 has ${byId.get(7)?.divisors} divisors, all jobs ${sum}`)
console.log(`exit codes: ${(await Promise.all(exits)).map(([code]) => code).join(' ')}`)
const { putCount, getCount } = jobs.getStats()
console.log(`jobs put: ${putCount}, taken: ${getCount}, left: ${jobs.size}`)
