import { loadMultithreading } from './load.js'

export async function blockingLock() {
  const {
    module: { Mutex },
    version,
  } = await loadMultithreading()
  const mutex = new Mutex()
  return {
    version,
    loop: (calls: number) => {
      for (let n = 0; n < calls; n++) {
        const guard = mutex.blockingLock()
        guard.dispose()
      }
    },
  }
}

export async function asyncLock() {
  const {
    module: { Mutex },
    version,
  } = await loadMultithreading()
  const mutex = new Mutex()
  return {
    version,
    loop: async (calls: number) => {
      for (let n = 0; n < calls; n++) {
        const guard = await mutex.lock()
        guard.dispose()
      }
    },
  }
}
