import { setTimeout } from 'node:timers/promises'
import { ProcessCommunication } from '@heddle/ipc-channels'
import { defineTask, taskContext } from '@heddle/process-pool'
// By its import it also opens the arrays and values among the arguments, as the next package does with the barrier.
import { type SharedArray, SharedMemoryManager, type SharedValue } from '@heddle/shared-memory'
import '@heddle/sync-primitives'
import type { Barrier } from '@heddle/sync-primitives'
import { fall } from './tasks.js'

/** The document's worker_process. It begins when all are there. @returns in which process it ran */
export const workerProcess = defineTask(
  import.meta.url,
  'workerProcess',
  async (workerId: number, array: SharedArray<'int32'>, value: SharedValue<'int32'>, all: Barrier) => {
    const { progress } = taskContext()
    progress(`Worker ${workerId} starting`)
    await all.wait()
    for (let i = 0; i < 10; i++) {
      await value.getLock().runExclusive(async () => {
        // Slowly, so that the others come in between: without the lock their counts would be lost.
        const seen = value.value
        await setTimeout(1)
        value.value = seen + 1
      })
      array.set(workerId, workerId * 10 + i)
    }
    progress(`Worker ${workerId} finished`)
    return process.pid
  },
)

/** Is killed in the middle of a change, with the lock in its hands. */
export const fallWithLock = defineTask(import.meta.url, 'fallWithLock', (value: SharedValue<'int32'>): never => {
  value.getLock().acquireSync()
  value.value = -1
  return fall()
})

/** Writes to all that a manager has, when all are there to do so at the same time. @returns in which process it ran */
export const useSharedMemory = defineTask(
  import.meta.url,
  'useSharedMemory',
  async (name: string, id: number, times: number, all: Barrier) => {
    using memory = SharedMemoryManager.attach(name)
    memory.getSharedArray('squares', 'i').set(id, id * id)
    memory.getSharedArray('roots', 'd').set(id, Math.sqrt(id))
    memory.getSharedArray('letters', 'c').set(id, 'web'.charCodeAt(id))
    memory.getSharedList<string>().append(`worker ${id} was here`)
    const value = memory.getSharedValue('visits')
    const dict = memory.getSharedDict<number>()
    dict.set(`worker ${id}`, id)
    await all.wait()
    for (let time = 0; time < times; time++) {
      value.add(1)
      dict.update('visits', (visits = 0) => visits + 1)
    }
    return process.pid
  },
)

/** Answers questions until there are no more, and then says on the pipe how many there were. */
export const answer = defineTask(import.meta.url, 'answer', async (officeName: string) => {
  using office = await ProcessCommunication.attach(officeName)
  using desk = office.openPipe<number>('desk')
  // Whoever comes first makes it.
  office.createQueue('answers')
  office.openEvent('clerk is there').set()
  let answered = 0
  for await (const [a, b] of office.openQueue<[number, number]>('questions')) {
    await office.sendMessage('answers', Math.hypot(a, b))
    answered++
  }
  await desk.send(answered)
})

/** Is killed when it has the other end of a pipe. */
export const hangUp = defineTask(import.meta.url, 'hangUp', async (officeName: string): Promise<never> => {
  const office = await ProcessCommunication.attach(officeName)
  await office.openPipe('line').send('hello?')
  return fall()
})
