/**
 * The words of a queue, from its tag on; lines of 16 words, so that producers and consumers write to lines of their own.
 *
 * index · name           · meaning
 * 0     · (tag)          · what kind of object this is
 * 1     · CAPACITY       · the most items inside; written once
 * 2     · CAPACITY_BYTES · the size of the data; written once
 * 3     · CLOSED         · 0 open; 1 nothing can be put any more
 * 4     · ITEMS          · eventcount of those who wait for an item, see `signal.ts`
 * 5     · ROOM           · eventcount of those who wait for room
 * 6     · DONE           · eventcount of those who wait until all items are done
 * 7     · ENDS           · who has registered ever, see `records.ts`
 * 8, 9  · ERRORS         · calls that ended because the queue was full or empty: the lower 32 bits, the higher ones
 * 10    · SIZE_CHECK     · goes with CAPACITY and CAPACITY_BYTES, see `size-check.ts`; written once
 * 16    · PUT_LOCK       · inner lock of those who put
 * 17    · TAIL           · how many items were put, modulo 2^32
 * 18    · TAIL_HALVES    · how often bit 31 of TAIL has changed
 * 19    · KNOWN_HEAD     · HEAD as the last one who put and looked has seen it
 * 32    · TAKE_LOCK      · inner lock of those who take
 * 33    · HEAD           · how many items were taken, modulo 2^32
 * 34    · HEAD_HALVES    · how often bit 31 of HEAD has changed
 * 35    · KNOWN_TAIL     · TAIL as the last one who took and looked has seen it
 * 48…   · RECORDS        · four words for each slot of the memory's participants, from slot 0 on, see below
 * …     · ENTRIES        · two words for each item that can be inside, rounded up to a power of two: START, BYTES
 * …     · DATA           · the items' bytes, each in one piece from a word on
 *
 * words of a record · name       · meaning
 * 0                 · GENERATION · of the participant whose record it is
 * 1                 · TAKEN      · items that it has taken and not done
 * 2                 · PRODUCERS  · how often it has registered as a producer
 * 3                 · CONSUMERS  · how often it has registered as a consumer
 */
export const CAPACITY = 1
export const CAPACITY_BYTES = 2
export const CLOSED = 3
export const ITEMS = 4
export const ROOM = 5
export const DONE = 6
export const ENDS = 7
export const ERRORS = 8
export const SIZE_CHECK = 10
export const PUT_LOCK = 16
export const TAIL = 17
export const TAIL_HALVES = 18
export const KNOWN_HEAD = 19
export const TAKE_LOCK = 32
export const HEAD = 33
export const HEAD_HALVES = 34
export const KNOWN_TAIL = 35
export const RECORDS = 48

export const GENERATION = 0
export const TAKEN = 1
export const PRODUCERS = 2
export const CONSUMERS = 3
export const recordWords = 4

export const START = 0
export const BYTES = 1
export const entryWords = 2

export const mostCapacity = 2 ** 24
export const mostCapacityBytes = 2 ** 30

/** Where the parts of a queue are, from its first word on, and where it ends. */
export interface Parts {
  readonly entries: number
  /** The number of entries less one: a count and this is the entry's number. */
  readonly mask: number
  readonly data: number
  readonly dataWords: number
  readonly end: number
}

/** @param slots - of the memory that the queue is in */
export function partsOf(slots: number, capacity: number, capacityBytes: number): Parts {
  const entryCount = 2 ** Math.ceil(Math.log2(capacity))
  const entries = wholeLines(RECORDS + (slots + 1) * recordWords)
  const data = wholeLines(entries + entryCount * entryWords)
  const dataWords = wordsOf(capacityBytes)
  return { entries, mask: entryCount - 1, data, dataWords, end: data + dataWords }
}

export const wordsOf = (byteLength: number): number => (byteLength + 3) >>> 2

const wholeLines = (words: number): number => Math.ceil(words / 16) * 16
