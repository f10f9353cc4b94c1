import { isDead, load, lockBriefly, type Steps, store, unlock } from '@heddle/sync-primitives/building-blocks'
import { wordsPerLine } from './layout.js'

/**
 * The heap of a segment: areas of whole lines (16 words, one cache line), tiled without a gap from `first` to `end`.
 *
 * word of the heap · name       · meaning
 * 0                · LOCK       · guards all others; `lockBriefly`
 * 1                · HINT       · an area's index: where the next search begins
 * 2                · GENERATION · counts areas given out; each has a number of its own
 *
 * line before an area's words · name       · meaning
 * 0                           · HEAD       · size in lines, this line included, << 1 | 1 if used, 0 if free
 * 1                           · GENERATION · tells this area from earlier ones in the same place
 * 2                           · OWNER      · the participant that took it
 * 3                           · CHECK      · its index, scrambled: tells an area from whatever else lies on a line
 *
 * Invariant: walking from `first` by the sizes in HEAD meets `end` exactly, at every instant. An area is cut by writing the
 * head of its rest, which nobody can see yet, and then its own; two are merged by one store. HINT is always an area's index.
 * Invariant: the store of HEAD gives the area out. Its other words, its contents zeroed among them, are written before that.
 * Invariant: an area whose first word is not 0 is linked: somebody can find it, and it is free again only when it is freed.
 * One whose first word is 0 belongs to its OWNER alone, and is free again when that one has died. So no area is ever lost.
 * Source: boundary tags, D. E. Knuth, The Art of Computer Programming 1, 2.5.
 * Differs: no list of free areas, and no tag at an area's end, each of which would be a second store: areas are few and large,
 * and neighbours are merged when a search comes by.
 */
const LOCK = 0
const HINT = 1
const GENERATION = 2
export const heapWords = 3

const HEAD = 0
const AREA_GENERATION = 1
const OWNER = 2
const CHECK = 3

const USED = 1
const checkMask = 0x41726561 // "Area"
const lastGeneration = 2 ** 31 - 1

export interface Heap {
  /** The index of LOCK. */
  readonly index: number
  /** The index of the first area's line, and the one behind the last area. */
  readonly first: number
  readonly end: number
}

/** What a walk over damaged words comes to. */
export const CORRUPT = -2
export const NO_ROOM = -1

const linesOf = (head: number): number => head >>> 1
const headFor = (lines: number, used: number): number => (lines << 1) | used

/** How many lines an area of so many words takes. */
export const linesFor = (words: number): number => Math.ceil(words / wordsPerLine) + 1

/** The words of a new heap: one free area. */
export function formatHeap(words: Int32Array, { index, first, end }: Heap): void {
  words[first + HEAD] = headFor((end - first) / wordsPerLine, 0)
  words[index + HINT] = first
}

/**
 * Takes an area of `lines` lines.
 *
 * @param clear - zeroes the words from one index up to another
 * @returns the index of its first word, zeroed; NO_ROOM; CORRUPT: the heap is damaged, nothing was taken
 */
export function* takeArea(
  heap: Heap,
  participant: number,
  lines: number,
  clear: (from: number, to: number) => void,
): Steps<number> {
  yield* lockBriefly(heap.index + LOCK, participant, 'take area', lines)
  const found = yield* findRoom(heap, participant, lines)
  if (found >= 0) yield* giveOut(heap, participant, found, lines, clear)
  yield* unlock(heap.index + LOCK)
  return found >= 0 ? found + wordsPerLine : found
}

/** Under LOCK: a free area that is large enough. Walks once around, and merges and takes back what it can on its way. */
function* findRoom(heap: Heap, participant: number, lines: number): Steps<number> {
  const hint = yield load(heap.index + HINT)
  if (!isLine(heap, hint)) return CORRUPT
  const all = (heap.end - heap.first) / wordsPerLine
  let at = hint
  for (let walked = 0; walked < all; ) {
    const size = yield* mergeAt(heap, participant, at)
    if (size === CORRUPT) return CORRUPT
    if (size >= lines) return at
    const area = linesOf(yield load(at + HEAD))
    walked += area
    at += area * wordsPerLine
    if (at === heap.end) at = heap.first
  }
  return NO_ROOM
}

/** Under LOCK: makes one of the area and the free ones behind it. @returns its size in lines if it is free; 0: it is used */
function* mergeAt(heap: Heap, participant: number, at: number): Steps<number> {
  for (;;) {
    const head = yield load(at + HEAD)
    if (!isHead(heap, at, head)) return CORRUPT
    if (!(yield* isFree(at, participant, head))) return 0
    const next = at + linesOf(head) * wordsPerLine
    if (next === heap.end) return linesOf(head)
    const nextHead = yield load(next + HEAD)
    if (!isHead(heap, next, nextHead)) return CORRUPT
    if (!(yield* isFree(next, participant, nextHead))) return linesOf(head)
    // Before there is no such area any more.
    if ((yield load(heap.index + HINT)) === next) yield store(heap.index + HINT, at)
    yield store(at + HEAD, headFor(linesOf(head) + linesOf(nextHead), 0))
  }
}

/** Under LOCK: whether the area is free, or nobody's: then it is freed. */
function* isFree(at: number, participant: number, head: number): Steps<boolean> {
  if ((head & USED) === 0) return true
  if ((yield load(at + wordsPerLine)) !== 0) return false
  const owner = yield load(at + OWNER)
  if (owner === participant || !(yield isDead(owner))) return false
  yield store(at + HEAD, headFor(linesOf(head), 0))
  return true
}

function* giveOut(
  heap: Heap,
  participant: number,
  at: number,
  lines: number,
  clear: (from: number, to: number) => void,
): Steps<void> {
  const size = linesOf(yield load(at + HEAD))
  const rest = at + lines * wordsPerLine
  if (size > lines) yield store(rest + HEAD, headFor(size - lines, 0))
  const generation = ((yield load(heap.index + GENERATION)) % lastGeneration) + 1
  yield store(heap.index + GENERATION, generation)
  yield store(at + AREA_GENERATION, generation)
  yield store(at + OWNER, participant)
  yield store(at + CHECK, at ^ checkMask)
  yield store(at + wordsPerLine, 0)
  clear(at + wordsPerLine, rest)
  yield store(at + HEAD, headFor(lines, USED))
  yield store(heap.index + HINT, size > lines ? rest : heap.first)
}

/**
 * Gives back the area whose first word is at `index`.
 *
 * @param isStill - whether it is what its user takes it for; asked under the lock
 * @param clear - zeroes the words from one index up to another
 * @returns false: there is none, or a later one
 */
export function* freeArea(
  heap: Heap,
  participant: number,
  index: number,
  isStill: () => boolean,
  clear: (from: number, to: number) => void,
): Steps<boolean> {
  yield* lockBriefly(heap.index + LOCK, participant, 'free area', index)
  const at = index - wordsPerLine
  const head = yield load(at + HEAD)
  const isIt = (head & USED) === USED && isStill()
  if (isIt) {
    // In this order: from the second step on it is free when this thread has died.
    yield store(at + OWNER, participant)
    yield store(index, 0)
    // Whoever still has the object finds nothing where its own first words were.
    clear(index + 1, index + wordsPerLine)
    yield store(at + HEAD, headFor(linesOf(head), 0))
  }
  yield* unlock(heap.index + LOCK)
  return isIt
}

function isLine({ first, end }: Heap, at: number): boolean {
  return at >= first && at < end && (at - first) % wordsPerLine === 0
}

function isHead(heap: Heap, at: number, head: number): boolean {
  const lines = linesOf(head)
  return isLine(heap, at) && lines > 0 && at + lines * wordsPerLine <= heap.end
}

/** Whether an area that is used begins at `index`. Looks at its line only. */
export function isArea(words: Int32Array, heap: Heap, index: unknown): index is number {
  if (!Number.isInteger(index)) return false
  const at = (index as number) - wordsPerLine
  if (!isLine(heap, at)) return false
  const head = Atomics.load(words, at + HEAD)
  return isHead(heap, at, head) && (head & USED) === USED && Atomics.load(words, at + CHECK) === (at ^ checkMask)
}

export const areaGeneration = (words: Int32Array, index: number): number =>
  Atomics.load(words, index - wordsPerLine + AREA_GENERATION)

export interface HeapUse {
  /** Bytes in areas that are given out, their own line included. */
  readonly usedBytes: number
  readonly freeBytes: number
  /** The largest object that fits, in bytes, as far as can be seen without merging. */
  readonly largestFreeBytes: number
  readonly areas: number
}

/** What is used: a walk without the lock, for reports; undefined: the words have changed under it, or are damaged. */
export function readUse(words: Int32Array, heap: Heap): HeapUse | undefined {
  let usedLines = 0
  let freeLines = 0
  let largest = 0
  let run = 0
  let areas = 0
  let at = heap.first
  while (at !== heap.end) {
    const head = Atomics.load(words, at + HEAD)
    if (!isHead(heap, at, head)) return undefined
    if (head & USED) {
      usedLines += linesOf(head)
      areas += 1
      run = 0
    } else {
      freeLines += linesOf(head)
      run += linesOf(head)
      largest = Math.max(largest, run)
    }
    at += linesOf(head) * wordsPerLine
  }
  const bytes = wordsPerLine * 4
  return {
    usedBytes: usedLines * bytes,
    freeBytes: freeLines * bytes,
    largestFreeBytes: Math.max(0, largest - 1) * bytes,
    areas,
  }
}
