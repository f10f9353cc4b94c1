// Words that a case shares with its workers beside the object under test.

/** What a board's words mean to cases and workers alike. */
export const ARRIVED = 0
const INSIDE = 1
export const MOST_INSIDE = 2
export const SUM = 3
const TOLD = 4
export const STAGE = 5
const READERS = 6
export const LEFT = 7
const RIGHT = 8
const LAST = 9
const CHANGES = 10

/** In the memory of the case, if it has one: other processes see nothing else. */
export function newBoard(memory) {
  return sharedWords(16, memory)
}

export function sharedWords(count, memory) {
  if (memory) {
    const index = memory.allocate(count)
    if (index < 0) throw new Error('the memory has no room for the words of the case')
    return memory.words.subarray(index, index + count)
  }
  return new Int32Array(new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT))
}

/** Goes inside a critical section, as one or with several permits, and notes the most that were inside together. */
export function enter(board, permits = 1) {
  const inside = Atomics.add(board, INSIDE, permits) + permits
  for (let most = Atomics.load(board, MOST_INSIDE); inside > most; most = Atomics.load(board, MOST_INSIDE))
    Atomics.compareExchange(board, MOST_INSIDE, most, inside)
}

export function leave(board, permits = 1) {
  Atomics.sub(board, INSIDE, permits)
}

/** Writes a pair in two plain steps; false: somebody was reading. */
export function writePair(board, who) {
  const alone = Atomics.load(board, READERS) === 0
  noteTurn(board, who)
  board[LEFT] += 1
  for (let i = 0; i < 50; i++) Atomics.load(board, STAGE)
  board[RIGHT] += 1
  return alone && Atomics.load(board, READERS) === 0
}

/** Reads the pair; false: it was written by half. */
export function readPair(board) {
  Atomics.add(board, READERS, 1)
  const whole = board[LEFT] === board[RIGHT]
  Atomics.sub(board, READERS, 1)
  return whole
}

/** Adds 1 to a plain word: two that do so together lose one. */
export function addPlainly(board, spin) {
  const seen = board[SUM]
  for (let i = 0; i < spin; i++) Atomics.load(board, STAGE)
  board[SUM] = seen + 1
}

/** Notes whose turn this is; called inside a critical section, by each side with its own number. */
export function noteTurn(board, who) {
  if (Atomics.exchange(board, LAST, who) !== who) Atomics.add(board, CHANGES, 1)
}

/**
 * Says of each round whether it is to run: so many rounds, and more until the sides have taken turns often enough for a case
 * about both to mean something. Throws when that never comes.
 */
export function untilMixed(board, rounds) {
  const limit = performance.now() + 5_000
  return (round) => {
    if (round < rounds) return true
    if (Atomics.load(board, CHANGES) >= 40) return false
    if (performance.now() > limit) throw new Error('the threads do not take turns')
    return true
  }
}

/** Tells the other side that a stage is reached. */
export function reach(board, stage) {
  Atomics.store(board, STAGE, stage)
  Atomics.notify(board, STAGE)
}

/** Tells a worker that blocks in `waitUntilTold` to go on. */
export function tell(board) {
  Atomics.add(board, TOLD, 1)
  Atomics.notify(board, TOLD)
}

/** For workers only: it blocks. It looks now and then, since another process's notification does not come. */
export function waitUntilTold(board, times = 1) {
  for (let seen = Atomics.load(board, TOLD); seen < times; seen = Atomics.load(board, TOLD))
    Atomics.wait(board, TOLD, seen, 2)
}
