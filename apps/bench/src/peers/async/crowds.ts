import { setMaxListeners } from 'node:events'
import { loadPeer } from '../sync/load.js'
import { newManager } from './heddle.js'

type Loop = (calls: number) => Promise<unknown>

/** So many wait on one signal, which is then aborted; over when each of them has heard of it. */
async function crowd(calls: number, join: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  let rejected = 0
  const all = new Promise<void>((resolve) => {
    const onRejected = () => {
      rejected += 1
      if (rejected === calls) resolve()
    }
    const onFulfilled = () => {
      throw new Error('one was not aborted')
    }
    for (let n = 0; n < calls; n++) join(controller.signal).then(onFulfilled, onRejected)
  })
  controller.abort()
  await all
}

const nothing = async () => {}

export function heddle(): Loop {
  const manager = newManager(1)
  return async (calls) => {
    const { blocked, release } = blocker()
    const running = manager.run(() => blocked, [])
    await crowd(calls, (signal) => manager.run(nothing, [], { signal }))
    release()
    await running
  }
}

export async function pQueue() {
  const { module, version } = await loadPeer('p-queue', () => import('p-queue'))
  const queue = new module.default({ concurrency: 1 })
  return {
    version,
    loop: async (calls: number) => {
      const { blocked, release } = blocker()
      const running = queue.add(() => blocked)
      await crowd(calls, (signal) => queue.add(nothing, { signal }))
      release()
      await running
    },
  }
}

/** The least that it can be: a set of waiters, each with a promise, behind one listener. */
export function plainSet() {
  return {
    version: process.version,
    loop: async (calls: number) => {
      interface Waiter {
        readonly resolve: () => void
        readonly reject: (reason: unknown) => void
      }
      const waiters = new Set<Waiter>()
      let listening: AbortSignal | undefined
      await crowd(calls, (signal) => {
        if (listening === undefined) {
          listening = signal
          const onAbort = () => {
            for (const { reject } of waiters) reject(signal.reason)
            waiters.clear()
          }
          signal.addEventListener('abort', onAbort, { once: true })
        }
        return new Promise<void>((resolve, reject) => waiters.add({ resolve, reject }))
      })
    },
  }
}

/** What takes a slot until it is released. */
export function blocker(): { blocked: Promise<void>; release: () => void } {
  let release = () => {}
  const blocked = new Promise<void>((resolve) => {
    release = resolve
  })
  return { blocked, release }
}
