// A handle names the segment that the queue is in, and this is what opens it.
import '@heddle/shared-memory'
import type { Cost } from '../../report.js'
import { endWithParent } from '../memory/futex.js'
import type { Order, TakingPart } from './partner.js'
import { type Job, openTaking } from './ways.js'

await endWithParent()
process.once('disconnect', () => process.exit(0))

const { kind, ends } = JSON.parse(process.argv[2] ?? '') as TakingPart
let busy = false
let take = (message: unknown): void => {
  throw new Error(`no such message was asked for: ${String(message)}`)
}
const jobs: Job[] = []
for (const end of ends)
  jobs.push(
    await openTaking(end, kind, (taker) => {
      take = taker
    }),
  )

// Orders and messages come over one channel: whatever comes during a job belongs to it.
process.on('message', (message) => {
  if (busy) take(message)
  else void work(message as Order)
})
process.send?.('ready')

async function work({ which, calls }: Order): Promise<void> {
  busy = true
  const cpu = process.cpuUsage()
  const begun = performance.now()
  await jobs[which]?.(calls)
  const wall = (performance.now() - begun) * 1000
  const { user, system } = process.cpuUsage(cpu)
  busy = false
  process.send?.({ cpu: user + system, wall } satisfies Cost)
}
