import { Mutex, Semaphore } from '@heddle/sync-primitives'
import { ourClass } from './load.js'

type Loop = (calls: number) => unknown

export function mutexSync(): Loop {
  const mutex = new Mutex()
  return (calls) => {
    for (let n = 0; n < calls; n++) {
      const guard = mutex.acquireSync()
      guard.release()
    }
  }
}

export function mutexExclusive(fn: () => unknown): Loop {
  const mutex = new Mutex()
  return (calls) => {
    for (let n = 0; n < calls; n++) mutex.runExclusiveSync(fn)
  }
}

export function mutexAsync(): Loop {
  const mutex = new Mutex()
  return async (calls) => {
    for (let n = 0; n < calls; n++) {
      const guard = await mutex.acquire()
      guard.release()
    }
  }
}

export function semaphoreAsync(permits: number): Loop {
  const semaphore = new Semaphore(permits)
  return async (calls) => {
    for (let n = 0; n < calls; n++) {
      const guard = await semaphore.acquire()
      guard.release()
    }
  }
}

interface Guard {
  release(): void
}

/** What the bench uses of the lock; it is looked up by name, since a row must say so when it is not there. */
export interface ReadWriteLock {
  acquireReadSync(): Guard
  acquireWriteSync(): Guard
  toHandle(): object
}

export interface ReadWriteLockClass {
  new (): ReadWriteLock
  fromHandle(handle: object): ReadWriteLock
}

export const readWriteLock = () => ourClass<ReadWriteLockClass>('ReadWriteLock')

export async function readersSync(): Promise<Loop> {
  const ReadWriteLock = await readWriteLock()
  const lock = new ReadWriteLock()
  return (calls) => {
    for (let n = 0; n < calls; n++) {
      const guard = lock.acquireReadSync()
      guard.release()
    }
  }
}
