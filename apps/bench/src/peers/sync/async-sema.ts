import { loadPeer } from './load.js'

export async function asyncSema(permits: number) {
  const {
    module: { Sema },
    version,
  } = await loadPeer('async-sema', () => import('async-sema'))
  const semaphore = new Sema(permits)
  return {
    version,
    loop: async (calls: number) => {
      for (let n = 0; n < calls; n++) {
        await semaphore.acquire()
        semaphore.release()
      }
    },
  }
}
