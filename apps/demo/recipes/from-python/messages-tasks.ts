import { ProcessCommunication } from '@heddle/ipc-channels'
import { defineTask } from '@heddle/process-pool'

export const answer = defineTask(import.meta.url, 'answer', async (name: string) => {
  using office = await ProcessCommunication.attach(name)
  using desk = office.openPipe<string, string>('desk')
  const [a, b] = await office.receiveMessage<[number, number]>('questions')
  await office.sendMessage('answers', a * a + b * b)
  await desk.send('that was easy')
})
