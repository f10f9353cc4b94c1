import { moveOn, settledHalves } from '../ring/counts.js'
import { HEAD_HALVES, TAIL_HALVES } from '../ring/layout.js'
import { BROKEN, DAMAGED, EMPTY, FULL, OVER } from '../ring/outcomes.js'
import { noteTaken, type Records } from '../ring/records.js'
import { type Blocks, freeBlocks, freeOthers, isWhole, readItem, type Source, type Target, writeItem } from './bytes.js'
import { BYTES, CHANGING, CLOSED, HEAD, LEAVES, NUMBER, NUMBER_HALVES, PRIORITY, STATE, TAIL, USED } from './layout.js'
import { type Cells, cellAt, popFirst, siftDown, siftUp } from './order.js'

/**
 * A bounded queue of items of any length, of which the one of the highest priority leaves first and among equals the oldest,
 * in words that threads and processes share; `layout.ts` has them.
 *
 * TAIL and HEAD are the truth, as in the ring: how many items were put, and how many were taken. They tell what the STATE of
 * each cell means:
 *
 * STATE   · the item is
 * FREE    · none
 * PUT     · inside, if its NUMBER is below TAIL; otherwise who put it died before it was, and there is none
 * LEAVING · inside, if its LEAVES is not below HEAD: who chose it died before it was taken; otherwise there is none any more
 *
 * All the rest, that is ORDER, USED and which blocks are free, follows from the cells. Who changes it says so in CHANGING
 * first and takes that back when all is right again. So whoever finds CHANGING set under the lock knows that somebody has ended
 * in between, and makes it anew: a step for each cell and each block, once for each such death.
 *
 * Invariant: all of it changes under TAKE_LOCK only. Items are put by one store of TAIL and taken by one store of HEAD, whether
 * one or many at a time. 0 <= TAIL − HEAD <= CAPACITY.
 * Invariant: while CHANGING is 0, as many cells are PUT as TAIL − HEAD, and the others are FREE; the former are the heap, USED
 * is their bytes, and each block is in one of their chains or in that of the free ones.
 * Invariant: no other code runs under the lock.
 * Source: the heap of J. W. J. Williams, "Algorithm 232: Heapsort", 1964, https://doi.org/10.1145/512274.512284
 * Differs: equals leave in the order they came. As of the ring, what is written below is also what the model checker runs.
 */
export interface HeapQueue extends Records, Cells, Blocks {
  readonly words: Int32Array
  readonly index: number
  readonly capacity: number
}

const FREE = 0
const PUT = 1
const LEAVING = 2

/**
 * Puts the first ones, as many as have room, at one moment.
 *
 * @returns how many; or FULL, OVER, BROKEN
 */
export function put(queue: HeapQueue, sources: readonly Source[]): number {
  queue.takeLock.lock()
  try {
    return putFirst(queue, sources)
  } finally {
    queue.takeLock.unlock()
  }
}

/** Under the lock. */
function putFirst(queue: HeapQueue, sources: readonly Source[]): number {
  const { words, index } = queue
  if (Atomics.load(words, index + CLOSED) !== 0) return OVER
  const tail = Atomics.load(words, index + TAIL)
  const inside = (tail - Atomics.load(words, index + HEAD)) >>> 0
  if (inside > queue.capacity) return BROKEN
  if (inside === queue.capacity) return FULL
  if (Atomics.load(words, index + CHANGING) !== 0 && !rebuild(queue)) return BROKEN
  let used = words[index + USED] as number
  const isPossible = inside === 0 ? used === 0 : used >= 0 && used <= queue.capacityBytes
  // Damaged: the next one makes it anew.
  if (!isPossible) {
    Atomics.store(words, index + CHANGING, 1)
    return BROKEN
  }
  let done = 0
  for (const source of sources) {
    if (inside + done === queue.capacity || used + source.byteLength > queue.capacityBytes) break
    if (done === 0) Atomics.store(words, index + CHANGING, 1)
    if (!fill(queue, inside + done, (tail + done) | 0, tail, source)) return BROKEN
    used += source.byteLength
    done += 1
  }
  if (done === 0) return FULL
  words[index + USED] = used
  moveOn(queue, index + TAIL, index + TAIL_HALVES, tail, done)
  Atomics.store(words, index + CHANGING, 0)
  return done
}

/** Under the lock: makes the free cell at a position of ORDER one of the heap, with an item that is not inside yet. */
function fill(queue: HeapQueue, position: number, number: number, tail: number, source: Source): boolean {
  const { words, index } = queue
  const cell = cellAt(queue, position)
  if (cell < 0 || words[cell + STATE] !== FREE || !writeItem(queue, cell, source)) return false
  const halves = settledHalves(words[index + TAIL_HALVES] as number, tail)
  words[cell + PRIORITY] = source.priority
  words[cell + NUMBER] = number & 0x7fff_ffff
  words[cell + NUMBER_HALVES] = (number ^ tail) < 0 ? (halves + 1) | 0 : halves
  words[cell + STATE] = PUT
  return siftUp(queue, position)
}

/**
 * Takes the first ones, up to `most`, at one moment.
 *
 * @returns how many; or EMPTY, OVER, BROKEN, DAMAGED: the first one, and it alone is gone
 */
export function take(queue: HeapQueue, target: Target, most: number): number {
  queue.takeLock.lock()
  try {
    return takeFirst(queue, target, most)
  } finally {
    queue.takeLock.unlock()
  }
}

/** Closes the queue, and takes all that is inside at the same moment. @returns as {@link take} */
export function takeAllAndClose(queue: HeapQueue, target: Target): number {
  const { words, index } = queue
  queue.takeLock.lock()
  try {
    Atomics.store(words, index + CLOSED, 1)
    return takeFirst(queue, target, queue.capacity)
  } finally {
    queue.takeLock.unlock()
  }
}

/** Nothing can be put any more. */
export function close(queue: HeapQueue): void {
  const { words, index } = queue
  queue.takeLock.lock()
  try {
    Atomics.store(words, index + CLOSED, 1)
  } finally {
    queue.takeLock.unlock()
  }
}

/** Under the lock. */
function takeFirst(queue: HeapQueue, target: Target, most: number): number {
  const { words, index } = queue
  const head = Atomics.load(words, index + HEAD)
  const inside = (Atomics.load(words, index + TAIL) - head) >>> 0
  if (inside === 0) return Atomics.load(words, index + CLOSED) === 0 ? EMPTY : OVER
  if (inside > queue.capacity) return BROKEN
  if (Atomics.load(words, index + CHANGING) !== 0 && !rebuild(queue)) return BROKEN
  Atomics.store(words, index + CHANGING, 1)
  let taken = 0
  let byteLength = 0
  while (taken < most && taken < inside) {
    const cell = cellAt(queue, 0)
    if (cell < 0 || words[cell + STATE] !== PUT) return BROKEN
    const whole = isWhole(queue, cell)
    if (!whole && taken > 0) break
    words[cell + LEAVES] = (head + taken) | 0
    words[cell + STATE] = LEAVING
    if (!whole) {
      // CHANGING stays: the next one finds out which blocks it leaves.
      moveOn(queue, index + HEAD, index + HEAD_HALVES, head, 1)
      return DAMAGED
    }
    byteLength += words[cell + BYTES] as number
    if (!popFirst(queue, inside - taken)) return BROKEN
    taken += 1
  }
  target.prepare(taken, byteLength)
  for (let item = 1; item <= taken; item++) readItem(queue, cellAt(queue, inside - item), target)
  noteTaken(queue, taken)
  moveOn(queue, index + HEAD, index + HEAD_HALVES, head, taken)
  for (let item = 1; item <= taken; item++) {
    const cell = cellAt(queue, inside - item)
    freeBlocks(queue, cell)
    words[cell + STATE] = FREE
  }
  words[index + USED] = (words[index + USED] as number) - byteLength
  Atomics.store(words, index + CHANGING, 0)
  return taken
}

/**
 * Under the lock: makes anew what follows from TAIL, HEAD and the cells. Who dies on the way leaves CHANGING as it is.
 *
 * @returns false: there are not as many items as TAIL and HEAD say. Nobody of ours has left them so
 */
export function rebuild(queue: HeapQueue): boolean {
  const { words, index, order } = queue
  const tail = Atomics.load(words, index + TAIL)
  const head = Atomics.load(words, index + HEAD)
  const tailHalves = settledHalves(words[index + TAIL_HALVES] as number, tail)
  const seen = new Uint8Array(queue.blockCount)
  let inside = 0
  let free = queue.capacity
  let used = 0
  for (let number = 0; number < queue.capacity; number++) {
    words[order + inside] = number
    const cell = cellAt(queue, inside)
    if (!isInside(queue, cell, head, tail, tailHalves)) {
      words[cell + STATE] = FREE
      free -= 1
      // It may be the place that was written last: the next number goes there again.
      words[order + free] = number
      continue
    }
    words[cell + STATE] = PUT
    // What is not whole stays inside, without bytes: whoever takes it is told.
    if (isWhole(queue, cell, seen)) used += words[cell + BYTES] as number
    else words[cell + BYTES] = 0
    inside += 1
  }
  if (inside !== (tail - head) >>> 0) return false
  for (let position = (inside >>> 1) - 1; position >= 0; position--)
    siftDown(queue, inside, position, words[order + position] as number)
  freeOthers(queue, seen)
  words[index + USED] = used
  Atomics.store(words, index + CHANGING, 0)
  return true
}

/** Under the lock: whether the cell has an item that is inside. */
function isInside(queue: HeapQueue, cell: number, head: number, tail: number, tailHalves: number): boolean {
  const { words } = queue
  const state = words[cell + STATE] as number
  if (state === LEAVING) return (((words[cell + LEAVES] as number) - head) | 0) >= 0
  if (state !== PUT) return false
  const halves = ((words[cell + NUMBER_HALVES] as number) - tailHalves) | 0
  return halves < 0 || (halves === 0 && (words[cell + NUMBER] as number) < (tail & 0x7fff_ffff))
}
