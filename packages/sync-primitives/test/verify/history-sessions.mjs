// What a thread may do with an object: each call gives the next operation, as its name, its argument and the call itself.
import { chosenFrom } from './random.mjs'

const timeouts = [0, 0, 0, 1]

/** The code of what the call throws, if it has one, takes the place of the result. */
export function resultOf(call) {
  try {
    return call()
  } catch (error) {
    if (typeof error.code !== 'string' || error.code === 'ERR_INTERNAL') throw error
    return error.code
  }
}

/** Some threads look most of the time: what is true for a moment only must be seen at that moment. */
const looksOften = (random) => random(3) === 0

function mutex(lock, random) {
  const mostlyLooks = looksOften(random)
  let guard
  const acquire = (call) => () => {
    guard = call()
    return guard !== undefined
  }
  return () => {
    if (random(5) < (mostlyLooks ? 4 : 1)) return ['held', 0, () => lock.getState().held]
    if (guard) {
      if (random(6) === 0) return ['tryAcquire', 1, () => lock.tryAcquire() !== undefined]
      const mine = guard
      guard = undefined
      return ['release', 1, () => mine.release()]
    }
    if (random(2) === 0) return ['tryAcquire', 1, acquire(() => lock.tryAcquire())]
    const timeout = chosenFrom(timeouts, random)
    return ['acquireSync', 1, acquire(() => lock.acquireSync({ timeout }))]
  }
}

function semaphore(object, random) {
  const mostlyLooks = looksOften(random)
  const guards = []
  const acquire = (call) => () => {
    const guard = call()
    if (guard) guards.push(guard)
    return guard !== undefined
  }
  return () => {
    const permits = 1 + random(3)
    const kind = random(12)
    if (kind < 2 || (mostlyLooks && kind < 10)) return ['availablePermits', 0, () => object.availablePermits]
    if (kind === 2) return ['release', permits, () => object.release(permits)]
    if (guards.length > 0 && (kind < 7 || guards.length > 2)) {
      const guard = guards.splice(random(guards.length), 1)[0]
      if (random(4) === 0) return ['detach', guard.permits, () => guard.detach()]
      return ['release', guard.permits, () => guard.release()]
    }
    if (kind < 9) return ['tryAcquire', permits, acquire(() => object.tryAcquire(permits))]
    const timeout = chosenFrom(timeouts, random)
    return ['acquireSync', permits, acquire(() => object.acquireSync(permits, { timeout }))]
  }
}

/** A thread reads several times at most, or writes, or has an upgradable read and reads beside it. */
function readWriteLock(lock, random) {
  const readers = []
  let writer
  let upgradable
  const read = (call) => () => {
    const guard = call()
    if (guard) readers.push(guard)
    return guard !== undefined
  }
  const write = (call) => () => {
    const guard = call()
    if (!guard) return false
    writer = guard
    upgradable = undefined
    return true
  }
  const upgrade = (call) => () => {
    upgradable = call()
    return upgradable !== undefined
  }
  const withoutWriting = () => {
    if (readers.length > 0 && random(2) === 0) return ['releaseRead', 0, () => readers.pop().release()]
    const timeout = chosenFrom(timeouts, random)
    if (readers.length > 3) return ['releaseRead', 0, () => readers.pop().release()]
    if (random(4) === 0) return ['acquireReadSync', 0, read(() => lock.acquireReadSync({ timeout }))]
    return ['tryAcquireRead', 0, read(() => lock.tryAcquireRead())]
  }
  return () => {
    if (writer) {
      const guard = writer
      const kind = random(6)
      if (kind === 0) return ['tryAcquireRead', 0, read(() => lock.tryAcquireRead())]
      if (kind === 1) return ['tryAcquireWrite', 0, () => lock.tryAcquireWrite() !== undefined]
      writer = undefined
      if (kind === 2) return ['downgradeWrite', 0, () => void readers.push(guard.downgrade())]
      return ['releaseWrite', 0, () => guard.release()]
    }
    if (upgradable) {
      const guard = upgradable
      const kind = random(6)
      if (kind < 2) return ['tryUpgrade', 0, write(() => guard.tryUpgrade())]
      if (kind === 2) return withoutWriting()
      upgradable = undefined
      if (kind === 3) return ['downgradeUpgradable', 0, () => void readers.push(guard.downgrade())]
      return ['releaseUpgradable', 0, () => guard.release()]
    }
    const kind = random(8)
    if (kind < 2) return ['tryAcquireWrite', 0, write(() => lock.tryAcquireWrite())]
    if (kind === 2) return ['tryAcquireUpgradableRead', 0, upgrade(() => lock.tryAcquireUpgradableRead())]
    if (kind === 3 && readers.length === 0) {
      const timeout = chosenFrom(timeouts, random)
      return ['acquireWriteSync', 0, write(() => lock.acquireWriteSync({ timeout }))]
    }
    return withoutWriting()
  }
}

function autoResetEvent(event, random) {
  return () => {
    const kind = random(10)
    if (kind < 3) return ['set', 0, () => event.set()]
    if (kind < 5) return ['tryWait', 0, () => event.tryWait()]
    if (kind === 5) return ['reset', 0, () => event.reset()]
    if (kind === 6) return ['isSet', 0, () => event.isSet]
    const timeout = chosenFrom(timeouts, random)
    return ['waitSync', 0, () => event.waitSync({ timeout })]
  }
}

function manualResetEvent(event, random) {
  return () => {
    const kind = random(10)
    if (kind < 3) return ['set', 0, () => event.set()]
    if (kind < 6) return ['reset', 0, () => void event.reset()]
    if (kind < 8) return ['isSet', 0, () => event.isSet]
    const timeout = chosenFrom(timeouts, random)
    return ['waitSync', 0, () => event.waitSync({ timeout })]
  }
}

function latch(object, random) {
  return () => {
    const kind = random(10)
    const by = 1 + random(3)
    if (kind < 4) return ['countDown', by, () => object.countDown(by)]
    if (kind < 8) return ['count', 0, () => object.count]
    const timeout = chosenFrom(timeouts, random)
    return ['waitSync', 0, () => object.waitSync({ timeout })]
  }
}

/** Also for the counter of 64 bits, whose numbers `number` makes. */
function counter(object, random, number = Number) {
  let seen = number(0)
  const remember = (call) => () => {
    const value = call()
    if (typeof value === typeof seen) seen = value
    return value
  }
  return () => {
    const kind = random(10)
    const amount = number(random(7) - 2)
    if (kind < 3) return ['increment', amount, remember(() => object.increment(amount))]
    if (kind < 5) return ['decrement', amount, remember(() => object.decrement(amount))]
    if (kind < 7) return ['getValue', 0, remember(() => object.getValue())]
    if (kind === 7) return ['reset', 0, () => object.reset()]
    const [expected, value] = [seen, seen + amount]
    return ['compareAndSet', [expected, value], () => object.compareAndSet(expected, value)]
  }
}

export const sessions = {
  mutex,
  semaphore,
  readWriteLock,
  autoResetEvent,
  manualResetEvent,
  latch,
  counter,
  counter64: (object, random) => counter(object, random, BigInt),
}
