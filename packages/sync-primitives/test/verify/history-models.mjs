// What each object would do if one operation came after the other. An operation that may wait, or that takes several steps
// which others can tell apart, comes as two: it begins (`begins`), and it ends with its result.
import { ILLEGAL } from '@heddle/interleave'

const legalIf = (isLegal, state) => (isLegal ? state : ILLEGAL)
const succeeded = (result) => result === true
/** What `try` forms and forms with a time limit give that do not get it. */
const gaveUp = (result) => result === false || result === 'ERR_TIMEOUT'

/** Equal states must look equal. */
const sorted = (ids) => ids.sort((one, other) => one - other)

/** A mutex that is not fair. State: the thread that holds it, -1: none. An attempt fails only if somebody holds it. */
const mutex = {
  initial: () => -1,
  step(holder, { thread, name, result }) {
    if (name === 'held') return legalIf(result === holder >= 0, holder)
    if (name === 'release') return legalIf(holder === thread, -1)
    return succeeded(result) ? legalIf(holder < 0, thread) : legalIf(gaveUp(result) && holder >= 0, holder)
  },
}

/**
 * A line for permits; the free ones go to who came first. State: free permits, who waits, in order, and who got permits at once.
 *
 * `acquireSync` comes as two. A caller that finds what it wants, and nobody waiting, has it; otherwise it is in line until it
 * has got it or gave up, and meanwhile all other attempts fail, also if permits are free.
 */
const line = (bound) => ({
  splits: (name) => name === 'acquireSync',
  initial: (permits) => ({ free: permits, line: [], granted: [] }),
  step(state, { id, name, argument, result, begins }) {
    const { free, line, granted } = state
    const isFree = line.length === 0 && free >= argument
    switch (name) {
      case 'held':
        return legalIf(result === (free === 0), state)
      case 'availablePermits':
        return legalIf(result === free, state)
      case 'detach':
        return state
      case 'release':
        if (free + argument > bound) return legalIf(result === 'ERR_OVER_RELEASE', state)
        return legalIf(result === undefined, { ...state, free: free + argument })
      case 'tryAcquire':
        return succeeded(result)
          ? legalIf(isFree, { ...state, free: free - argument })
          : legalIf(gaveUp(result) && !isFree, state)
    }
    if (begins)
      return isFree
        ? { ...state, free: free - argument, granted: sorted([...granted, id]) }
        : { ...state, line: [...line, id] }
    if (granted.includes(id))
      return legalIf(succeeded(result), { ...state, granted: granted.filter((other) => other !== id) })
    const left = { ...state, line: line.filter((other) => other !== id) }
    if (gaveUp(result)) return legalIf(line.includes(id), left)
    return legalIf(line[0] === id && free >= argument, { ...left, free: free - argument })
  },
})

const without = (attempts, id) => attempts.filter((attempt) => attempt.id !== id)
const mayFail = (attempts, id) => attempts.some((attempt) => attempt.id === id && attempt.mayFail)

/** Marks the attempts under way that have met something by now that may make them fail. */
function withMarks(state) {
  const { writer, upgradable, readers, reading, writing, leaving } = state
  const disturbs = writer >= 0 || reading.length > 0 || readers.some((count) => count > 0)
  const marked = (attempts, hasMet) =>
    attempts.map((attempt) => (attempt.mayFail ? attempt : { ...attempt, mayFail: hasMet(attempt) }))
  return {
    ...state,
    reading: marked(reading, () => writer >= 0 || writing.length > 0),
    writing: marked(
      writing,
      ({ upgrades }) => disturbs || (!upgrades && (upgradable >= 0 || writing.length > 1 || leaving.length > 0)),
    ),
  }
}

const byId = (one, other) => one.id - other.id
const begun = (attempts, attempt) => [...attempts, { ...attempt, mayFail: false }].sort(byId)

/**
 * A read-write lock. State: the writer and the upgradable reader (-1: none), the entries of each thread, the attempts to read
 * and the attempts to write that are under way, and the writers that are leaving.
 *
 * Without waiting, nobody can know whether an attempt of somebody else that is under way will succeed. So one that is under way
 * may make another one fail, though in the end neither of them is inside: an attempt to write keeps readers and writers out,
 * an attempt to read keeps writers out. And a writer that leaves lets readers in before it lets writers in. Nothing else
 * makes an attempt fail that could succeed.
 */
const readWriteLock = {
  splits: (name) => !/^release(Read|Upgradable)$|^downgradeUpgradable$|^tryAcquireUpgradableRead$/.test(name),
  initial: () => ({ writer: -1, upgradable: -1, readers: [0, 0, 0], reading: [], writing: [], leaving: [] }),
  step(state, operation) {
    const after = readWriteStep(state, operation)
    return after === ILLEGAL ? after : withMarks(after)
  },
}

function readWriteStep(state, { thread, id, name, result, begins }) {
  const { writer, upgradable, readers, reading, writing, leaving } = state
  const entered = (by) => readers.map((count, other) => (other === thread ? count + by : count))
  switch (name) {
    case 'releaseRead':
      return legalIf(readers[thread] > 0, { ...state, readers: entered(-1) })
    case 'releaseUpgradable':
      return legalIf(upgradable === thread, { ...state, upgradable: -1 })
    case 'downgradeUpgradable':
      return legalIf(upgradable === thread, { ...state, upgradable: -1, readers: entered(1) })
    case 'tryAcquireUpgradableRead': {
      const isBusy = writer >= 0 || upgradable >= 0 || writing.length > 0 || leaving.length > 0
      return succeeded(result)
        ? legalIf(!isBusy, { ...state, upgradable: thread })
        : legalIf(gaveUp(result) && isBusy, state)
    }
    case 'releaseWrite':
    case 'downgradeWrite':
      if (!begins) return legalIf(leaving.includes(id), { ...state, leaving: leaving.filter((other) => other !== id) })
      return legalIf(writer === thread, {
        ...state,
        writer: -1,
        leaving: sorted([...leaving, id]),
        readers: entered(name === 'downgradeWrite' ? 1 : 0),
      })
    case 'tryAcquireRead':
    case 'acquireReadSync': {
      if (begins) return { ...state, reading: begun(reading, { id }) }
      const after = { ...state, reading: without(reading, id) }
      if (after.reading.length === reading.length) return ILLEGAL
      return succeeded(result)
        ? legalIf(writer < 0, { ...after, readers: entered(1) })
        : legalIf(gaveUp(result) && mayFail(reading, id), after)
    }
    default: {
      const upgrades = name === 'tryUpgrade'
      if (begins) return { ...state, writing: begun(writing, { id, upgrades }) }
      const after = { ...state, writing: without(writing, id) }
      if (after.writing.length === writing.length) return ILLEGAL
      if (!succeeded(result)) return legalIf(gaveUp(result) && mayFail(writing, id), after)
      const isFree =
        writer < 0 &&
        leaving.length === 0 &&
        readers.every((count) => count === 0) &&
        upgradable === (upgrades ? thread : -1)
      return legalIf(isFree, { ...after, writer: thread, upgradable: -1 })
    }
  }
}

/** State: whether it is set. A wait that gives up must have seen that it is not. */
const autoResetEvent = {
  initial: () => false,
  step(isSet, { name, result }) {
    if (name === 'set') return true
    if (name === 'isSet') return legalIf(result === isSet, isSet)
    return legalIf(result === isSet, false)
  },
}

/** State: whether it is set. A wait that goes through must have met a moment at which it was. */
const manualResetEvent = {
  initial: () => false,
  step(isSet, { name, result }) {
    if (name === 'set') return true
    if (name === 'reset') return false
    return legalIf(result === isSet, isSet)
  },
}

/** State: the count. */
const latch = {
  initial: (count) => count,
  step(count, { name, argument, result }) {
    if (name === 'count') return legalIf(result === count, count)
    if (name === 'waitSync') return legalIf(result === (count === 0), count)
    if (argument > count) return legalIf(result === 'ERR_OVER_RELEASE', count)
    return legalIf(result === count - argument, count - argument)
  },
}

/** State: the value, a number or a bigint. */
const counter = (least, most) => ({
  initial: (value) => value,
  keyOf: String,
  step(value, { name, argument, result }) {
    if (name === 'getValue') return legalIf(result === value, value)
    if (name === 'reset') return legalIf(result === value, value - value)
    if (name === 'compareAndSet') {
      const [expected, next] = argument
      if (next > most || next < least) return legalIf(result === 'ERR_OUT_OF_RANGE', value)
      return legalIf(result === (expected === value), expected === value ? next : value)
    }
    const next = name === 'increment' ? value + argument : value - argument
    if (next < least || next > most) return legalIf(result === 'ERR_OUT_OF_RANGE', value)
    return legalIf(result === next, next)
  },
})

export const models = {
  mutex,
  fairMutex: line(1),
  semaphore: line(4),
  readWriteLock,
  autoResetEvent,
  manualResetEvent,
  latch,
  counter: counter(-(2 ** 31), 2 ** 31 - 1),
  counter64: counter(-(2n ** 63n), 2n ** 63n - 1n),
}
