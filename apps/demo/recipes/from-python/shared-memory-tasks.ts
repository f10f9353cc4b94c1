import { defineTask } from '@heddle/process-pool'
import { SharedMemoryManager } from '@heddle/shared-memory'

export const countUp = defineTask(import.meta.url, 'countUp', (name: string, worker: number) => {
  using memory = SharedMemoryManager.attach(name)
  const counter = memory.getSharedValue('counter')
  const names = memory.getSharedDict<number>()
  for (let i = 0; i < 100; i++) {
    counter.getLock().runExclusiveSync(() => {
      counter.value += 1
    })
    names.update('visits', (visits = 0) => visits + 1) // one step: no lock needed
  }
  return worker
})
