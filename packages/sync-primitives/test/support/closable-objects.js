import {
  AutoResetEvent,
  Barrier,
  Condition,
  Latch,
  ManualResetEvent,
  Mutex,
  ReadWriteLock,
  RecursiveMutex,
  Semaphore,
  ThreadSafeCounter,
  ThreadSafeCounter64,
} from '@heddle/sync-primitives'

const classes = {
  AutoResetEvent,
  Barrier,
  Condition,
  Latch,
  ManualResetEvent,
  Mutex,
  ReadWriteLock,
  RecursiveMutex,
  Semaphore,
  ThreadSafeCounter,
  ThreadSafeCounter64,
}

export const open = (handle) => classes[handle.kind.split('/')[1]].fromHandle(handle)

const mutexCalls = (guardOf) => ({
  acquire: (mutex) => mutex.acquire(),
  acquireSync: (mutex) => mutex.acquireSync(),
  'acquireSync with a timeout': (mutex) => mutex.acquireSync({ timeout: 5 }),
  tryAcquire: (mutex) => mutex.tryAcquire(),
  runExclusive: (mutex) => mutex.runExclusive(() => 'ran'),
  runExclusiveSync: (mutex) => mutex.runExclusiveSync(() => 'ran'),
  getState: (mutex) => mutex.getState(),
  'guard.markConsistent': (_, guard) => guardOf(guard).markConsistent(),
})

const eventCalls = {
  isSet: (event) => event.isSet,
  set: (event) => event.set(),
  reset: (event) => event.reset(),
  wait: (event) => event.wait(),
  waitSync: (event) => event.waitSync(),
}

const counterCalls = (one) => ({
  increment: (counter) => counter.increment(),
  decrement: (counter) => counter.decrement(),
  getValue: (counter) => counter.getValue(),
  reset: (counter) => counter.reset(),
  compareAndSet: (counter) => counter.compareAndSet(one - one, one),
})

const readWriteCalls = {
  acquireRead: (lock) => lock.acquireRead(),
  acquireReadSync: (lock) => lock.acquireReadSync(),
  'acquireReadSync with a timeout': (lock) => lock.acquireReadSync({ timeout: 5 }),
  tryAcquireRead: (lock) => lock.tryAcquireRead(),
  acquireWrite: (lock) => lock.acquireWrite(),
  acquireWriteSync: (lock) => lock.acquireWriteSync(),
  tryAcquireWrite: (lock) => lock.tryAcquireWrite(),
  acquireUpgradableRead: (lock) => lock.acquireUpgradableRead(),
  acquireUpgradableReadSync: (lock) => lock.acquireUpgradableReadSync(),
  tryAcquireUpgradableRead: (lock) => lock.tryAcquireUpgradableRead(),
  runRead: (lock) => lock.runRead(() => 'ran'),
  runReadSync: (lock) => lock.runReadSync(() => 'ran'),
  runWrite: (lock) => lock.runWrite(() => 'ran'),
  runWriteSync: (lock) => lock.runWriteSync(() => 'ran'),
  getState: (lock) => lock.getState(),
}

const mutex = { class: Mutex, make: (memory) => new Mutex({ memory }), acquire: (lock) => lock.acquireSync() }
const readWrite = { class: ReadWriteLock, make: (memory) => new ReadWriteLock({ memory }) }

/** Every class, free and held in each of its ways, and every call that reads or writes its words. */
export const subjects = {
  'a free mutex': {
    ...mutex,
    acquire: undefined,
    calls: mutexCalls((guard) => guard),
    without: ['guard.markConsistent'],
  },
  'a held mutex': { ...mutex, calls: mutexCalls((guard) => guard) },
  'a free fair mutex': {
    class: Mutex,
    make: (memory) => new Mutex({ memory, fair: true }),
    calls: mutexCalls((guard) => guard),
    without: ['guard.markConsistent'],
  },
  'a held fair mutex': {
    class: Mutex,
    make: (memory) => new Mutex({ memory, fair: true }),
    acquire: (lock) => lock.acquireSync(),
    calls: mutexCalls((guard) => guard),
  },
  'a held mutex that looks for deadlocks': {
    class: Mutex,
    make: (memory) => new Mutex({ memory, detectDeadlocks: true }),
    acquire: (lock) => lock.acquireSync(),
    calls: mutexCalls((guard) => guard),
  },
  'a free recursive mutex': {
    class: RecursiveMutex,
    make: (memory) => new RecursiveMutex({ memory }),
    calls: mutexCalls((guard) => guard),
    without: ['guard.markConsistent'],
  },
  'a held recursive mutex': {
    class: RecursiveMutex,
    make: (memory) => new RecursiveMutex({ memory }),
    acquire: (lock) => lock.acquireSync(),
    calls: { ...mutexCalls((guard) => guard), 'guard.acquire': (_, guard) => guard.acquire() },
  },
  'a semaphore': {
    class: Semaphore,
    make: (memory) => new Semaphore(3, { memory }),
    acquire: (semaphore) => semaphore.acquireSync(2),
    calls: {
      acquire: (semaphore) => semaphore.acquire(),
      'acquire with a number': (semaphore) => semaphore.acquire(3),
      acquireSync: (semaphore) => semaphore.acquireSync(),
      'acquireSync with a number': (semaphore) => semaphore.acquireSync(3),
      tryAcquire: (semaphore) => semaphore.tryAcquire(),
      release: (semaphore) => semaphore.release(),
      runExclusive: (semaphore) => semaphore.runExclusive(() => 'ran'),
      runExclusiveSync: (semaphore) => semaphore.runExclusiveSync(() => 'ran'),
      availablePermits: (semaphore) => semaphore.availablePermits,
      getState: (semaphore) => semaphore.getState(),
      'guard.detach': (_, guard) => guard.detach(),
    },
  },
  'a free read-write lock': { ...readWrite, calls: readWriteCalls },
  'a read-write lock with a reader': {
    ...readWrite,
    acquire: (lock) => lock.acquireReadSync(),
    calls: readWriteCalls,
  },
  'a read-write lock with a writer': {
    ...readWrite,
    acquire: (lock) => lock.acquireWriteSync(),
    calls: {
      ...readWriteCalls,
      'guard.markConsistent': (_, guard) => guard.markConsistent(),
      'guard.downgrade': (_, guard) => guard.downgrade(),
    },
  },
  'a read-write lock with an upgradable reader': {
    ...readWrite,
    acquire: (lock) => lock.acquireUpgradableReadSync(),
    calls: {
      ...readWriteCalls,
      'guard.upgrade': (_, guard) => guard.upgrade(),
      'guard.upgradeSync': (_, guard) => guard.upgradeSync(),
      'guard.tryUpgrade': (_, guard) => guard.tryUpgrade(),
      'guard.downgrade': (_, guard) => guard.downgrade(),
    },
  },
  'a barrier': {
    class: Barrier,
    make: (memory) => new Barrier(1, { memory }),
    calls: {
      parties: (barrier) => barrier.parties,
      wait: (barrier) => barrier.wait(),
      waitSync: (barrier) => barrier.waitSync(),
      abort: (barrier) => barrier.abort(),
      reset: (barrier) => barrier.reset(),
      getState: (barrier) => barrier.getState(),
    },
  },
  'a condition': {
    class: Condition,
    make: (memory) => new Condition(new Mutex({ memory }), { maxWaiters: 7 }),
    acquire: (condition) => condition.mutex.acquireSync(),
    calls: {
      wait: (condition, guard) => condition.wait(guard),
      waitSync: (condition, guard) => condition.waitSync(guard),
      waitFor: (condition, guard) => condition.waitFor(guard, () => true),
      waitForSync: (condition, guard) => condition.waitForSync(guard, () => true),
      notify: (condition, guard) => condition.notify(guard),
      notifyAll: (condition, guard) => condition.notifyAll(guard),
      waiting: (condition) => condition.waiting,
    },
  },
  'a manual-reset event that is set': {
    class: ManualResetEvent,
    make: (memory) => new ManualResetEvent(true, { memory }),
    calls: eventCalls,
  },
  'a manual-reset event that is not set': {
    class: ManualResetEvent,
    make: (memory) => new ManualResetEvent(false, { memory }),
    calls: eventCalls,
  },
  'an auto-reset event that is set': {
    class: AutoResetEvent,
    make: (memory) => new AutoResetEvent(true, { memory }),
    calls: { ...eventCalls, tryWait: (event) => event.tryWait() },
  },
  'an auto-reset event that is not set': {
    class: AutoResetEvent,
    make: (memory) => new AutoResetEvent(false, { memory }),
    calls: { ...eventCalls, tryWait: (event) => event.tryWait() },
  },
  'a latch': {
    class: Latch,
    make: (memory) => new Latch(2, { memory }),
    calls: {
      count: (latch) => latch.count,
      countDown: (latch) => latch.countDown(),
      wait: (latch) => latch.wait(),
      waitSync: (latch) => latch.waitSync(),
    },
  },
  'a counter': {
    class: ThreadSafeCounter,
    make: (memory) => new ThreadSafeCounter(5, { memory }),
    calls: counterCalls(1),
  },
  'a 64-bit counter': {
    class: ThreadSafeCounter64,
    make: (memory) => new ThreadSafeCounter64(5n, { memory }),
    calls: counterCalls(1n),
  },
}

/** Waits that another holder, or the lack of a signal, keeps from ending. `block` makes them wait. */
export const waits = {
  mutex: {
    make: (memory) => new Mutex({ memory }),
    block: (lock) => lock.acquireSync(),
    sync: (lock) => lock.acquireSync(),
    async: (lock) => lock.acquire(),
  },
  'mutex that looks for deadlocks': {
    make: (memory) => new Mutex({ memory, detectDeadlocks: true }),
    block: (lock) => lock.acquireSync(),
    sync: (lock) => lock.acquireSync(),
    async: (lock) => lock.acquire(),
  },
  'fair mutex': {
    make: (memory) => new Mutex({ memory, fair: true }),
    block: (lock) => lock.acquireSync(),
    sync: (lock) => lock.acquireSync(),
    async: (lock) => lock.acquire(),
  },
  'recursive mutex': {
    make: (memory) => new RecursiveMutex({ memory }),
    block: (lock) => lock.acquireSync(),
    sync: (lock) => lock.acquireSync(),
    async: (lock) => lock.acquire(),
  },
  semaphore: {
    make: (memory) => new Semaphore(2, { memory }),
    block: (semaphore) => semaphore.acquireSync(),
    sync: (semaphore) => semaphore.acquireSync(2),
    async: (semaphore) => semaphore.acquire(2),
  },
  reader: {
    make: (memory) => new ReadWriteLock({ memory }),
    block: (lock) => lock.acquireWriteSync(),
    sync: (lock) => lock.acquireReadSync(),
    async: (lock) => lock.acquireRead(),
  },
  writer: {
    make: (memory) => new ReadWriteLock({ memory }),
    block: (lock) => lock.acquireReadSync(),
    sync: (lock) => lock.acquireWriteSync(),
    async: (lock) => lock.acquireWrite(),
  },
  'upgradable reader': {
    make: (memory) => new ReadWriteLock({ memory }),
    block: (lock) => lock.acquireWriteSync(),
    sync: (lock) => lock.acquireUpgradableReadSync(),
    async: (lock) => lock.acquireUpgradableRead(),
  },
  barrier: {
    make: (memory) => new Barrier(5, { memory }),
    block: () => undefined,
    sync: (barrier) => barrier.waitSync(),
    async: (barrier) => barrier.wait(),
  },
  condition: {
    make: (memory) => new Condition(new Mutex({ memory }), { maxWaiters: 7 }),
    block: () => undefined,
    sync: (condition) => condition.waitSync(condition.mutex.acquireSync()),
    async: async (condition) => condition.wait(await condition.mutex.acquire()),
  },
  'manual-reset event': {
    make: (memory) => new ManualResetEvent(false, { memory }),
    block: () => undefined,
    sync: (event) => event.waitSync(),
    async: (event) => event.wait(),
  },
  'auto-reset event': {
    make: (memory) => new AutoResetEvent(false, { memory }),
    block: () => undefined,
    sync: (event) => event.waitSync(),
    async: (event) => event.wait(),
  },
  latch: {
    make: (memory) => new Latch(1, { memory }),
    block: () => undefined,
    sync: (latch) => latch.waitSync(),
    async: (latch) => latch.wait(),
  },
}
