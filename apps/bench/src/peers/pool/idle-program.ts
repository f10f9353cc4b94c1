import { setTimeout } from 'node:timers/promises'
import type { Kind } from './idle-kinds.js'
import { startIdle } from './idle-kinds.js'

// Node has to end this program by itself, so nothing here closes a pool.
const [kind = 'none', settle, duration] = process.argv.slice(2)
const timeElsewhere = await startIdle(kind as Kind)
if (duration !== undefined) {
  await setTimeout(Number(settle))
  const elsewhere = timeElsewhere()
  const cpu = process.cpuUsage()
  await setTimeout(Number(duration))
  const { user, system } = process.cpuUsage(cpu)
  process.stdout.write(`${user + system + timeElsewhere() - elsewhere}\n`)
}
