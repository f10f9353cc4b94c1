import { ProcessCommunication } from '@heddle/ipc-channels'
import { ProcessPoolManager } from '@heddle/process-pool'
import { answer } from './messages-tasks.js'

using office = await ProcessCommunication.create()
office.createQueue('questions')
office.createQueue('answers')
const [desk] = office.createPipe<string, string>('desk')

await using pool = new ProcessPoolManager({ maxWorkers: 1 })
const answering = pool.run(answer, [office.name])
await office.sendMessage('questions', [3, 4])
console.log(await office.receiveMessage('answers', { timeout: 5_000 }))
console.log(await desk.receive())
await answering
