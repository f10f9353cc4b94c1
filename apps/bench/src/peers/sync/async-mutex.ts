import { createRequire } from 'node:module'
import { loadPeer } from './load.js'

/** The package holds two builds, and they differ much in speed: what `import` gives, and what `require` gives. */
export async function asyncMutex(how: 'import' | 'require') {
  const {
    module: { Mutex },
    version,
  } = await loadPeer('async-mutex', async () =>
    how === 'import'
      ? await import('async-mutex')
      : (createRequire(import.meta.url)('async-mutex') as typeof import('async-mutex')),
  )
  const mutex = new Mutex()
  return {
    version,
    loop: async (calls: number) => {
      for (let n = 0; n < calls; n++) {
        const release = await mutex.acquire()
        release()
      }
    },
  }
}
