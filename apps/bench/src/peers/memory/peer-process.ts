import type { Cost } from '../../report.js'
import { endWithParent } from './futex.js'
import { type JobData, openJob } from './jobs.js'
import type { Order } from './peer.js'

await endWithParent()
process.once('disconnect', () => process.exit(0))
const jobs = await Promise.all((JSON.parse(process.argv[2] ?? '[]') as JobData[]).map(openJob))

process.on('message', (order: Order | number) => {
  if (typeof order === 'number') return
  // The other side begins when it reads this, so it has to be on its way before this one blocks.
  process.send?.('begun', () => void work(order))
})
process.send?.('ready')

async function work({ which, calls }: Order): Promise<void> {
  const cpu = process.cpuUsage()
  const begun = performance.now()
  await jobs[which]?.(calls)
  const wall = (performance.now() - begun) * 1000
  const { user, system } = process.cpuUsage(cpu)
  process.send?.({ cpu: user + system, wall } satisfies Cost)
}
