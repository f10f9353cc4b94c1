// What the cases let a second thread do. Each function gets the package first: an import map, which a page needs to import
// it by name, does not reach into a page's workers.
import {
  ARRIVED,
  addPlainly,
  enter,
  leave,
  noteTurn,
  reach,
  readPair,
  untilMixed,
  waitUntilTold,
  writePair,
} from './shared.js'

const open = (heddle, { type, handle }) => heddle[type].fromHandle(handle)

function arrive(board) {
  Atomics.add(board, ARRIVED, 1)
  waitUntilTold(board)
}

export async function incrementUnderLock(heddle, { board, who, rounds, blocking, ...data }) {
  const lock = open(heddle, data)
  arrive(board)
  const goesOn = untilMixed(board, rounds)
  let round = 0
  for (; goesOn(round); round++) {
    const guard = blocking ? lock.acquireSync() : await lock.acquire()
    enter(board)
    noteTurn(board, who)
    addPlainly(board, round % 64)
    leave(board)
    guard.release()
  }
  return round
}

/** As above, for locks that let several inside. */
export function enterOften(heddle, { board, who, rounds, permits = 1, ...data }) {
  const lock = open(heddle, data)
  arrive(board)
  const goesOn = untilMixed(board, rounds)
  for (let round = 0; goesOn(round); round++) {
    const guard = permits === 1 ? lock.acquireSync() : lock.acquireSync(permits)
    enter(board, permits)
    noteTurn(board, who)
    leave(board, permits)
    guard.release()
  }
}

export async function takeOnce(heddle, { board, awaiting, permits, ...data }) {
  const lock = open(heddle, data)
  const asked = permits === undefined ? [] : [permits]
  reach(board, 1)
  const guard = awaiting ? await lock.acquire(...asked) : lock.acquireSync(...asked)
  guard.release()
  return 'had it'
}

export function tryOnce(heddle, data) {
  const guard = open(heddle, data).tryAcquire()
  guard?.release()
  return guard === undefined ? 'refused' : 'had it'
}

export function holdUntilTold(heddle, { board, take = 'acquireSync', ...data }) {
  const guard = open(heddle, data)[take]()
  reach(board, 1)
  waitUntilTold(board)
  guard.release()
}

/** Says with which code, and after how many milliseconds, a call with a timeout was refused. */
export function timeOut(heddle, { timeout, call = 'acquireSync', ...data }) {
  const lock = open(heddle, data)
  const begun = performance.now()
  try {
    const value = lock[call]({ timeout })
    return { value, waited: performance.now() - begun }
  } catch (error) {
    return { code: error.code, waited: performance.now() - begun }
  }
}

/** Calls one method of an object and gives back what it returned. */
export function call(heddle, { method, args = [], board, ...data }) {
  const object = open(heddle, data)
  if (board) reach(board, 1)
  return object[method](...args)
}

export function incrementCounter(heddle, { rounds, marks, board, ...data }) {
  const counter = open(heddle, data)
  arrive(board)
  for (let round = 0; round < rounds; round++) Atomics.add(marks, Number(counter.increment()), 1)
}

export function addByCompareAndSet(heddle, { rounds, board, ...data }) {
  const counter = open(heddle, data)
  arrive(board)
  for (let round = 0; round < rounds; round++) {
    let seen = counter.getValue()
    while (!counter.compareAndSet(seen, typeof seen === 'bigint' ? seen + 1n : seen + 1)) seen = counter.getValue()
  }
}

export function tryRead(heddle, data) {
  const guard = open(heddle, data).tryAcquireRead()
  guard?.release()
  return guard !== undefined
}

export function tryWrite(heddle, data) {
  const guard = open(heddle, data).tryAcquireWrite()
  guard?.release()
  return guard !== undefined
}

export function writeOnce(heddle, { board, ...data }) {
  const lock = open(heddle, data)
  reach(board, 1)
  const guard = lock.acquireWriteSync()
  guard.release()
  return 'wrote'
}

/** Reads and writes a pair that only a writer may see torn; counts its writes, and the torn pairs it saw. */
export function readAndWritePair(heddle, { board, who, rounds, ...data }) {
  const lock = open(heddle, data)
  let [writes, torn] = [0, 0]
  arrive(board)
  const goesOn = untilMixed(board, rounds)
  for (let round = 0; goesOn(round); round++) {
    if (round % 4 === 0) {
      const guard = lock.acquireWriteSync()
      if (!writePair(board, who)) torn += 1
      writes += 1
      guard.release()
    } else {
      const guard = lock.acquireReadSync()
      if (!readPair(board)) torn += 1
      guard.release()
    }
  }
  return { writes, torn }
}

/** Waits on a condition until a shared word is no longer 0, and says what it found. */
export function waitForStage(heddle, { mutex, condition, board, word }) {
  const lock = heddle.Mutex.fromHandle(mutex)
  const changed = heddle.Condition.fromHandle(condition)
  const guard = lock.acquireSync()
  reach(board, 1)
  let woken = true
  while (woken && board[word] === 0) woken = changed.waitSync(guard)
  const found = board[word]
  const { held } = guard
  guard.release()
  return { woken, found, held }
}

/** Sets a shared word under the lock and tells one waiter. */
export function setAndNotify(heddle, { mutex, condition, board, word }) {
  const lock = heddle.Mutex.fromHandle(mutex)
  const changed = heddle.Condition.fromHandle(condition)
  const guard = lock.acquireSync()
  board[word] = 7
  const told = changed.notify(guard)
  guard.release()
  return told
}

/** Comes to a barrier `turns` times, and says with which index each time. */
export function meetOften(heddle, { turns, board, ...data }) {
  const barrier = open(heddle, data)
  const seen = []
  for (let turn = 0; turn < turns; turn++) {
    Atomics.add(board, ARRIVED, 1)
    const { index, serial } = barrier.waitSync()
    seen.push({ index, serial })
  }
  return seen
}
