import { cellWords, NUMBER, NUMBER_HALVES, PRIORITY } from './layout.js'

/**
 * Which item is next: a binary heap of cell numbers, from ORDER on. Behind those of the items inside are the numbers of the
 * free cells, so that ORDER has each number once.
 *
 * Invariant: no item comes before the one at its parent's position: of a higher priority, or of the same and put earlier.
 */
export interface Cells {
  readonly words: Int32Array
  readonly capacity: number
  /** The index of the first number. */
  readonly order: number
  /** The index of the first cell. */
  readonly cells: number
}

/** Under the lock: the index of the cell at a position of ORDER; -1: there is none of such a number. */
export function cellAt(queue: Cells, position: number): number {
  const { words } = queue
  const number = words[queue.order + position] as number
  return number >= 0 && number < queue.capacity ? queue.cells + number * cellWords : -1
}

/** Under the lock: puts the cell at a position behind the heap into it. @returns false: a number is none of a cell */
export function siftUp(queue: Cells, position: number): boolean {
  const { words, order } = queue
  const cell = cellAt(queue, position)
  const number = words[order + position] as number
  let at = position
  while (at > 0) {
    const parent = (at - 1) >>> 1
    const above = cellAt(queue, parent)
    if (cell < 0 || above < 0) return false
    if (!isBefore(queue, cell, above)) break
    words[order + at] = words[order + parent] as number
    at = parent
  }
  words[order + at] = number
  return cell >= 0
}

/** Under the lock: puts a cell's number to its place in a heap of `size`, from a position on. @returns as {@link siftUp} */
export function siftDown(queue: Cells, size: number, position: number, number: number): boolean {
  const { words, order, cells } = queue
  if (number < 0 || number >= queue.capacity) return false
  const cell = cells + number * cellWords
  let at = position
  for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
    let below = cellAt(queue, child)
    if (below < 0) return false
    if (child + 1 < size) {
      const other = cellAt(queue, child + 1)
      if (other < 0) return false
      if (isBefore(queue, other, below)) {
        below = other
        child += 1
      }
    }
    if (!isBefore(queue, below, cell)) break
    words[order + at] = words[order + child] as number
    at = child
  }
  words[order + at] = number
  return true
}

/** Under the lock: takes the first one out of a heap of `size`, to the position behind it. @returns as {@link siftUp} */
export function popFirst(queue: Cells, size: number): boolean {
  const { words, order } = queue
  const first = words[order] as number
  const last = words[order + size - 1] as number
  words[order + size - 1] = first
  return size === 1 || siftDown(queue, size - 1, 0, last)
}

/** Under the lock: whether the item of the first cell is taken before that of the second one. */
function isBefore(queue: Cells, first: number, second: number): boolean {
  const { words } = queue
  const byPriority = (words[first + PRIORITY] as number) - (words[second + PRIORITY] as number)
  if (byPriority !== 0) return byPriority > 0
  const byHalves = ((words[first + NUMBER_HALVES] as number) - (words[second + NUMBER_HALVES] as number)) | 0
  if (byHalves !== 0) return byHalves < 0
  return (words[first + NUMBER] as number) < (words[second + NUMBER] as number)
}
