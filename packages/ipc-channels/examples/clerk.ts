import { ProcessCommunication } from '@heddle/ipc-channels'

const office = await ProcessCommunication.attach(process.argv[2] as string)
const [a, b] = await office.receiveMessage<[number, number]>('questions')
await office.sendMessage('answers', Math.hypot(a, b))
process.disconnect()
