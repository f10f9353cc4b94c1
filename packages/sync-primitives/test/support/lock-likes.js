import { Mutex, ReadWriteLock, RecursiveMutex, Semaphore } from '@heddle/sync-primitives'

const plain = {
  acquire: (lock, options) => lock.acquire(options),
  acquireSync: (lock, options) => lock.acquireSync(options),
  tryAcquire: (lock) => lock.tryAcquire(),
  run: (lock, fn, options) => lock.runExclusive(fn, options),
  runSync: (lock, fn, options) => lock.runExclusiveSync(fn, options),
}

const writing = {
  acquire: (lock, options) => lock.acquireWrite(options),
  acquireSync: (lock, options) => lock.acquireWriteSync(options),
  tryAcquire: (lock) => lock.tryAcquireWrite(),
  run: (lock, fn, options) => lock.runWrite(fn, options),
  runSync: (lock, fn, options) => lock.runWriteSync(fn, options),
}

const upgrading = {
  acquire: (lock, options) => lock.acquireUpgradableRead(options),
  acquireSync: (lock, options) => lock.acquireUpgradableReadSync(options),
  tryAcquire: (lock) => lock.tryAcquireUpgradableRead(),
  async run(lock, fn, options) {
    const guard = await lock.acquireUpgradableRead(options)
    try {
      return await fn(guard)
    } finally {
      guard.release()
    }
  },
  runSync(lock, fn, options) {
    const guard = lock.acquireUpgradableReadSync(options)
    try {
      return fn(guard)
    } finally {
      guard.release()
    }
  },
}

/** Everything that lets one holder in at a time, by one set of names. */
export const lockLikes = {
  Mutex: { ...plain, make: () => new Mutex(), open: (handle) => Mutex.fromHandle(handle) },
  'fair Mutex': { ...plain, make: () => new Mutex({ fair: true }), open: (handle) => Mutex.fromHandle(handle) },
  RecursiveMutex: { ...plain, make: () => new RecursiveMutex(), open: (handle) => RecursiveMutex.fromHandle(handle) },
  'fair RecursiveMutex': {
    ...plain,
    make: () => new RecursiveMutex({ fair: true }),
    open: (handle) => RecursiveMutex.fromHandle(handle),
  },
  'Semaphore of one permit': { ...plain, make: () => new Semaphore(1), open: (handle) => Semaphore.fromHandle(handle) },
  'ReadWriteLock for writing': {
    ...writing,
    make: () => new ReadWriteLock(),
    open: (handle) => ReadWriteLock.fromHandle(handle),
  },
  'ReadWriteLock for an upgradable read': {
    ...upgrading,
    make: () => new ReadWriteLock(),
    open: (handle) => ReadWriteLock.fromHandle(handle),
  },
}
