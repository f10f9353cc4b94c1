import { setTimeout as pause } from 'node:timers/promises'
import { AsyncTaskManager } from '@heddle/async-patterns'

async function ask(name: string) {
  await pause(20) // a database would be asked here
  return name.toUpperCase()
}

await using manager = new AsyncTaskManager({ maxConcurrent: 10 })
const id = await manager.submitTask(ask, ['oak'])
console.log(await manager.getTaskResult(id, { timeout: 5_000 }))
console.log(await manager.map(ask, ['elm', 'ash']).toArray())
