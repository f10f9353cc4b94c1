import * as heddle from '@heddle/sync-primitives'
import { Mutex, Semaphore } from '@heddle/sync-primitives'
import { equal } from './assert.js'

const { ThreadMemory } = heddle
const workers = new URL('./workers.js', import.meta.url).href

export const cases = [
  {
    name: 'locks in a memory that was made for them work between threads',
    async run({ startWorker, memory = ThreadMemory.create() }) {
      const locks = { Mutex: new Mutex({ memory }), Semaphore: new Semaphore(1, { memory }) }
      for (const [type, lock] of Object.entries(locks)) {
        const data = { type, handle: lock.toHandle() }
        const guard = await lock.acquire()
        equal(await startWorker(workers, 'tryOnce', data).result, 'refused', `a worker while the ${type} is held`)
        guard.release()
        equal(await startWorker(workers, 'tryOnce', data).result, 'had it', `a worker while the ${type} is free`)
      }
    },
  },
]
