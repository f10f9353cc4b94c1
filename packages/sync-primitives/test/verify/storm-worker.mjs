// A thread that uses all objects of a round at random, by all forms, until it is over or it dies. See terminate-storm.mjs.
import { setImmediate } from 'node:timers/promises'
import { parentPort } from 'node:worker_threads'
import { chosenFrom, randomFrom } from './random.mjs'
import { bound, CRASH, EXIT, HELD, NOT_HELD, openObjects, Record, tasks, UNSURE } from './storm-objects.mjs'
import { sweep } from './storm-sweep.mjs'

/** Which of the threads of its round this one is. */
let worker
const nobodyChanges = new Int32Array(new SharedArrayBuffer(4))
const expected = ['ERR_TIMEOUT', 'ERR_ALREADY_OWNED', 'ERR_OWNER_DIED', 'ERR_BARRIER_BROKEN']

/** What a task does, as often as it stands here. */
const steps = (
  'mutex mutex fairMutex fairMutex recursiveMutex recursiveMutex readWriteLock readWriteLock read read read ' +
  'permits permits permits conditionMutex conditionMutex conditionMutex wait set barrier'
).split(' ')
/** What it does also while it holds a lock. */
const nestable = ['mutex', 'fairMutex', 'recursiveMutex', 'readWriteLock', 'read', 'permits']

/** One task of this thread in one round. A task that blocks is alone in its thread. */
class Task {
  #objects
  #record
  #number
  #blocks
  #random
  #failures
  #holding = false

  constructor({ objects, record, number, blocks, random, failures }) {
    this.#objects = objects
    this.#record = record
    this.#number = number
    this.#blocks = blocks
    this.#random = random
    this.#failures = failures
  }

  async run() {
    while (!this.#record.isOver) {
      await this.#step(chosenFrom(steps, this.#random))
      if (this.#random(8) === 0) await setImmediate()
    }
  }

  /** Dies inside of something, if it is told to. */
  #obey() {
    const order = this.#record.orderOf(worker)
    if (order === EXIT) process.exit(1)
    if (order === CRASH) throw new Error('this thread crashes, as it was told to')
  }

  async #step(what) {
    try {
      await this.#do(what)
    } catch (error) {
      // A death that was ordered inside goes on.
      if (this.#record.orderOf(worker) === CRASH) throw error
      if (!expected.includes(error.code)) this.#failures.push(String(error.stack))
    }
  }

  #do(what) {
    const { mutex, fairMutex, recursiveMutex, readWriteLock, semaphore, conditionMutex, event } = this.#objects
    switch (what) {
      case 'mutex':
        return this.#exclusive('mutex', () => this.#acquire(mutex))
      case 'fairMutex':
        return this.#exclusive('fairMutex', () => this.#acquire(fairMutex))
      case 'recursiveMutex':
        return this.#exclusive('recursiveMutex', () => this.#acquireOnce(recursiveMutex))
      case 'readWriteLock':
        return this.#exclusive('readWriteLock', () => this.#write(readWriteLock))
      case 'conditionMutex':
        return this.#exclusive('conditionMutex', () => this.#acquire(conditionMutex))
      case 'read':
        return this.#read(readWriteLock)
      case 'permits':
        return this.#takePermits(semaphore)
      case 'barrier':
        return this.#meet()
      case 'wait':
        return this.#blocks ? event.waitSync({ timeout: 2 }) : event.wait({ timeout: 2 })
      default:
        return event.set()
    }
  }

  /** No thread waits for ever for one that waits for it. */
  #patience() {
    return { timeout: this.#random(12) }
  }

  #acquire(lock, ...permits) {
    if (this.#random(4) === 0) return lock.tryAcquire(...permits)
    if (this.#blocks || this.#random(8) === 0) return lock.acquireSync(...permits, this.#patience())
    return lock.acquire(...permits, this.#patience())
  }

  async #write(lock) {
    const kind = this.#random(8)
    if (kind === 0) return lock.tryAcquireWrite()
    if (kind < 3) return this.#upgrade(lock)
    return this.#blocks ? lock.acquireWriteSync(this.#patience()) : lock.acquireWrite(this.#patience())
  }

  async #upgrade(lock) {
    const guard = this.#blocks
      ? lock.acquireUpgradableReadSync(this.#patience())
      : await lock.acquireUpgradableRead(this.#patience())
    try {
      await this.#stay()
      const writer = this.#blocks ? guard.upgradeSync(this.#patience()) : await guard.upgrade(this.#patience())
      return writer
    } finally {
      guard.release()
    }
  }

  /** Only forms that do not recurse when another task of this thread is inside. */
  #acquireOnce(lock) {
    return this.#blocks ? this.#acquire(lock) : lock.acquire(this.#patience())
  }

  /** Before each call that may change who holds the lock, and after it, the words say what is sure. */
  async #exclusive(name, acquire) {
    const set = (state) => this.#record.setHold(worker, name, this.#number, state)
    set(UNSURE)
    try {
      const guard = await acquire()
      if (!guard) return
      set(HELD)
      this.#enter(name, guard)
      await this.#inside(name, guard, set)
      if (!guard.held) return
      this.#record.leave(name)
      set(UNSURE)
      guard.release()
    } finally {
      // One that crashes inside leaves the lock held.
      if (this.#record.orderOf(worker) !== CRASH) set(NOT_HELD)
    }
  }

  #enter(name, guard, knew = false) {
    const isNews = guard.ownerDied && !knew
    this.#record.enter(name, 1 + worker, isNews)
    if (isNews) guard.markConsistent()
  }

  async #inside(name, guard, set) {
    await this.#stay()
    if (name === 'recursiveMutex') this.#recurse(guard)
    if (name === 'readWriteLock' && this.#random(3) === 0) return this.#downgrade(guard, set)
    if (name === 'conditionMutex') await this.#notifyOrWait(guard, set)
    // Several at a time, always in the same order of taking: nobody waits in a circle, and if so, not for long.
    else if (!this.#holding && this.#random(2) === 0) await this.#holdAnother(name)
  }

  async #holdAnother(name) {
    this.#holding = true
    try {
      const others = nestable.filter((other) => other !== name && (other !== 'read' || name !== 'readWriteLock'))
      await this.#step(chosenFrom(others, this.#random))
    } finally {
      this.#holding = false
    }
  }

  #recurse(guard) {
    const inner = this.#blocks ? this.#objects.recursiveMutex.acquireSync() : guard.acquire()
    this.#obey()
    inner.release()
  }

  #downgrade(guard, set) {
    this.#record.leave('readWriteLock')
    set(UNSURE)
    const reader = guard.downgrade()
    set(NOT_HELD)
    this.#obey()
    reader.release()
  }

  /** While it waits it does not hold the mutex, and nobody but itself knows when it does again. */
  async #notifyOrWait(guard, set) {
    const { condition } = this.#objects
    const kind = this.#random(4)
    if (kind === 0) return condition.notifyAll(guard)
    if (kind === 1) return condition.notify(guard)
    const knew = guard.ownerDied
    this.#record.leave('conditionMutex')
    set(UNSURE)
    if (this.#blocks) condition.waitSync(guard, this.#patience())
    else await condition.wait(guard, this.#patience())
    set(HELD)
    this.#enter('conditionMutex', guard, knew)
  }

  async #read(lock) {
    const kind = this.#random(4)
    let guard
    if (kind === 0) guard = lock.tryAcquireRead()
    else if (this.#blocks) guard = lock.acquireReadSync(this.#patience())
    else guard = await lock.acquireRead(this.#patience())
    if (!guard) return
    await this.#stay()
    guard.release()
  }

  async #takePermits(semaphore) {
    const guard = await this.#acquire(semaphore, 1 + this.#random(3))
    if (!guard) return
    await this.#stay()
    guard.release()
  }

  /** One task of each thread is a party. Only a death or the end of the storm breaks it: one that hangs is out of time. */
  async #meet() {
    const { barrier } = this.#objects
    if (this.#number !== 0 || this.#holding) return
    try {
      if (this.#blocks) barrier.waitSync({ timeout: bound })
      else await barrier.wait({ timeout: bound })
    } catch (error) {
      if (error.code === 'ERR_TIMEOUT') this.#failures.push(`barrier: ${error.message}`)
      else if (error.code !== 'ERR_BARRIER_BROKEN') throw error
      if (!this.#record.isOver) barrier.reset()
    }
  }

  /** Is in the middle of something, for a random time. */
  async #stay() {
    this.#obey()
    const kind = this.#random(6)
    if (kind === 0) Atomics.wait(nobodyChanges, 0, 0, this.#random(30) / 10)
    else if (kind < 3) for (let turns = this.#random(3000); turns > 0; turns--) Atomics.load(nobodyChanges, 0)
    else if (kind === 3 && !this.#blocks) await setImmediate()
    this.#obey()
  }
}

async function storm({ handles, words, seed, number }) {
  worker = number
  const random = randomFrom(seed + worker)
  const record = new Record(words)
  const objects = openObjects(handles)
  const blocks = random(2) === 0
  const failures = []
  const numbers = Array.from({ length: blocks ? 1 : tasks }, (_, task) => task)
  parentPort.postMessage('began')
  await Promise.all(
    numbers.map((task) =>
      new Task({ objects, record, number: task, blocks, random: randomFrom(random(2 ** 30)), failures }).run(),
    ),
  )
  failures.push(...(await sweep(objects, record, 1 + worker, blocks)))
  parentPort.postMessage({ failures })
}

parentPort.on('message', (message) => void storm(message))
