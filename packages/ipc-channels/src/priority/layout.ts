import { CLOSED, HEAD, RECORDS, recordWords, TAIL } from '../ring/layout.js'

/**
 * The words of a queue with priorities, from its tag on. Up to the records they are those of every queue, see
 * `ring/layout.ts`, but for PUT_LOCK, KNOWN_HEAD and KNOWN_TAIL, which it does not use. TAKE_LOCK is its only lock.
 *
 * index · name       · meaning
 * 20    · CHANGING   · 1: somebody changes the words from USED on, or has ended while it did: they may be wrong
 * 21    · USED       · the bytes of the items inside
 * 22    · FREE_BLOCK · the first free block, by its link; 0: none
 * …     · ORDER      · the numbers of all cells: of those with an item inside as a heap, then of the free ones
 * …     · CELLS      · for each item that can be inside, see below
 * …     · BLOCKS     · the bytes that have no room in the items' cells; the first word of each is the link of the next one
 *
 * words of a cell · name         · meaning
 * 0               · STATE        · FREE, PUT or LEAVING, see `heap-queue.ts`
 * 1               · PRIORITY     · the higher, the earlier
 * 2               · NUMBER       · how many items were put before it: the lower 31 bits
 * 3               · NUMBER_HALVES· the bits above
 * 4               · BYTES        · how many bytes it has
 * 5               · CHAIN        · the link of its first block; 0: all its bytes are in the cell
 * 6               · LEAVES       · LEAVING: what HEAD was when it was chosen, and more by its place among those chosen with it
 * 8…23            · INLINE       · its first bytes
 *
 * A link is the number of a block, and 1.
 *
 * Invariant: there are blocks for any items that are within CAPACITY_BYTES together, whatever their sizes: one of more bytes
 * than a cell takes needs fewer blocks than its bytes would fill.
 */
export { CLOSED, HEAD, TAIL }
export const CHANGING = 20
export const USED = 21
export const FREE_BLOCK = 22

export const STATE = 0
export const PRIORITY = 1
export const NUMBER = 2
export const NUMBER_HALVES = 3
export const BYTES = 4
export const CHAIN = 5
export const LEAVES = 6
export const INLINE = 8
export const inlineBytes = 64
export const cellWords = INLINE + inlineBytes / 4

export const blockBytes = 60
export const blockWords = 1 + blockBytes / 4

/** Where the parts of a queue are, from its first word on, and where it ends. */
export interface PriorityParts {
  readonly order: number
  readonly cells: number
  readonly blocks: number
  readonly blockCount: number
  readonly end: number
}

/** @param slots - of the memory that the queue is in */
export function priorityPartsOf(slots: number, capacity: number, capacityBytes: number): PriorityParts {
  const order = wholeLines(RECORDS + (slots + 1) * recordWords)
  const cells = wholeLines(order + capacity)
  const blocks = wholeLines(cells + capacity * cellWords)
  const blockCount = Math.floor(capacityBytes / blockBytes)
  return { order, cells, blocks, blockCount, end: blocks + blockCount * blockWords }
}

const wholeLines = (words: number): number => Math.ceil(words / 16) * 16
