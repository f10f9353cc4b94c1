import { SharedMemoryManager } from '@heddle/shared-memory'

const [name = '', id] = process.argv.slice(2)
const workerId = Number(id)
const manager = SharedMemoryManager.attach(name)
const counter = manager.getSharedValue('counter')
const array = manager.getSharedArray('array')
const visits = manager.getSharedDict<number>()

for (let i = 0; i < 10; i++) {
  counter.getLock().runExclusiveSync(() => {
    counter.value += 1
  })
  array.set(workerId, workerId * 10 + i)
  visits.update('all', (times = 0) => times + 1)
  visits.update(`worker ${workerId}`, (times = 0) => times + 1)
}
manager.dispose()
