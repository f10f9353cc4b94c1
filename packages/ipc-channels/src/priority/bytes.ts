import { BYTES, blockBytes, blockWords, CHAIN, FREE_BLOCK, INLINE, inlineBytes } from './layout.js'

/** The bytes of the items: the first ones of each in its cell, the others in a chain of blocks. */
export interface Blocks {
  readonly words: Int32Array
  /** The index of the tag. */
  readonly index: number
  readonly capacityBytes: number
  /** The index of the first block. */
  readonly blocks: number
  readonly blockCount: number
}

/** An item on its way in. */
export interface Source {
  readonly byteLength: number
  readonly priority: number
  /** Copies its bytes from `from` on, `count` of them, to the words from `index` on. In their order, the first ones first. */
  writeAt(index: number, from: number, count: number): void
}

/** Where items go on their way out. */
export interface Target {
  /** Called first, once, with the bytes of all items. It may throw; nothing is taken then. */
  prepare(items: number, byteLength: number): void
  /** Copies an item's bytes from `from` on, `count` of them, from the words from `index` on. In their order. */
  readFrom(index: number, from: number, count: number, byteLength: number): void
}

/** Under the lock: copies an item to a free cell, and what it does not take to free blocks. @returns false: they are no chain */
export function writeItem(queue: Blocks, cell: number, source: Source): boolean {
  const { words, index } = queue
  const { byteLength } = source
  let at = Math.min(byteLength, inlineBytes)
  source.writeAt(cell + INLINE, 0, at)
  words[cell + BYTES] = byteLength
  if (at === byteLength) {
    words[cell + CHAIN] = 0
    return true
  }
  let link = words[index + FREE_BLOCK] as number
  words[cell + CHAIN] = link
  for (;;) {
    const block = blockOf(queue, link)
    if (block < 0) return false
    link = words[block] as number
    const count = Math.min(byteLength - at, blockBytes)
    source.writeAt(block + 1, at, count)
    at += count
    if (at < byteLength) continue
    words[block] = 0
    words[index + FREE_BLOCK] = link
    return true
  }
}

/** Under the lock: copies an item that is whole. */
export function readItem(queue: Blocks, cell: number, target: Target): void {
  const { words } = queue
  const byteLength = words[cell + BYTES] as number
  let at = Math.min(byteLength, inlineBytes)
  target.readFrom(cell + INLINE, 0, at, byteLength)
  let link = words[cell + CHAIN] as number
  while (at < byteLength) {
    const block = blockOf(queue, link)
    if (block < 0) return
    const count = Math.min(byteLength - at, blockBytes)
    target.readFrom(block + 1, at, count, byteLength)
    at += count
    link = words[block] as number
  }
}

/** Under the lock: makes the blocks of a whole item free. */
export function freeBlocks(queue: Blocks, cell: number): void {
  const { words, index } = queue
  const first = words[cell + CHAIN] as number
  if (first === 0) return
  let last = blockOf(queue, first)
  for (let left = blocksFor(words[cell + BYTES] as number) - 1; left > 0 && last >= 0; left--)
    last = blockOf(queue, words[last] as number)
  if (last < 0) return
  words[last] = words[index + FREE_BLOCK] as number
  words[index + FREE_BLOCK] = first
}

/**
 * Under the lock: whether the cell has a possible number of bytes, and as many blocks as they need.
 *
 * @param seen - which blocks others have; it must have none of them, and enters its own
 */
export function isWhole(queue: Blocks, cell: number, seen?: Uint8Array): boolean {
  const { words } = queue
  const byteLength = words[cell + BYTES] as number
  if (byteLength < 1 || byteLength > queue.capacityBytes) return false
  let link = words[cell + CHAIN] as number
  for (let left = blocksFor(byteLength); left > 0; left--) {
    const block = blockOf(queue, link)
    if (block < 0) return false
    if (seen) {
      if (seen[link - 1] === 1) return false
      seen[link - 1] = 1
    }
    link = words[block] as number
  }
  return link === 0
}

/** Under the lock: makes all blocks free that nobody has. */
export function freeOthers(queue: Blocks, seen: Uint8Array): void {
  const { words, index } = queue
  let first = 0
  for (let block = queue.blockCount - 1; block >= 0; block--) {
    if (seen[block] === 1) continue
    words[queue.blocks + block * blockWords] = first
    first = block + 1
  }
  words[index + FREE_BLOCK] = first
}

/** The index of the block of a link; -1: there is none. */
function blockOf(queue: Blocks, link: number): number {
  return link > 0 && link <= queue.blockCount ? queue.blocks + (link - 1) * blockWords : -1
}

function blocksFor(byteLength: number): number {
  return byteLength <= inlineBytes ? 0 : Math.ceil((byteLength - inlineBytes) / blockBytes)
}
