import { ProcessCommunication } from '@heddle/ipc-channels'

export interface Job {
  readonly id: number
  readonly number: number
}

export interface Answer {
  readonly id: number
  readonly divisors: number
}

const office = await ProcessCommunication.attach(process.argv[2] ?? '')
const jobs = office.openQueue<Job>('jobs')
jobs.registerConsumer() // so that nobody waits for room when all workers have died
const answers = office.openQueue<Answer>('answers')

// Ends when the queue was closed and is empty.
for await (const { id, number } of jobs) {
  let divisors = 0
  for (let n = 1; n <= number; n++) if (number % n === 0) divisors++
  await answers.put({ id, divisors })
}
office.close()
process.disconnect()
