import { wordsOf } from '../ring/layout.js'

/**
 * The words of a topic, from its tag on; lines of 16 words, so that publishers and each subscriber write to lines of their own.
 *
 * index · name             · meaning
 * 0     · (tag)            · what kind of object this is
 * 1     · CAPACITY         · the most messages that are kept; written once
 * 2     · CAPACITY_BYTES   · the size of the data; written once
 * 3     · MOST_SUBSCRIBERS · how many subscribers' records there are; written once
 * 4     · CLOSED           · 0 open; 1 nothing can be published any more
 * 5     · MESSAGES         · eventcount of those who wait for a message, see `ring/signal.ts`
 * 6     · ROOM             · eventcount of those who wait for room
 * 7     · SIZE_CHECK       · goes with the three sizes, see `ring/size-check.ts`; written once
 * 8, 9  · ERRORS           · calls that ended because there was no room or no message: the lower 32 bits, the higher ones
 * 10,11 · LOST             · messages that a subscriber came too late for, of all subscribers: the same
 * 16    · LOCK             · inner lock of those who publish, subscribe and close
 * 17    · TAIL             · how many messages were published, modulo 2^32
 * 18    · TAIL_HALVES      · how often bit 31 of TAIL has changed
 * 19    · FLOOR            · no subscriber that publishers wait for has still to read a message before this one
 * 32    · OLDEST           · the first message that is kept; TAIL: none is
 * 48…   · SUBSCRIBERS      · a line for each subscriber, see below
 * …     · ENTRIES          · two words for each message that can be kept, as those of a queue, see `ring/layout.ts`
 * …     · DATA             · the messages' bytes, each in one piece from a word on
 *
 * words of a record · name        · meaning
 * 0                 · PARTICIPANT · whose record it is; 0: nobody's, the other words mean nothing
 * 1                 · POLICY      · WAIT, SKIP or DISCONNECT
 * 2                 · CURSOR      · the message that it reads next
 */
export const CAPACITY = 1
export const CAPACITY_BYTES = 2
export const MOST_SUBSCRIBERS = 3
export const CLOSED = 4
export const MESSAGES = 5
export const ROOM = 6
export const SIZE_CHECK = 7
export const ERRORS = 8
export const LOST = 10
export const LOCK = 16
export const TAIL = 17
export const TAIL_HALVES = 18
export const FLOOR = 19
export const OLDEST = 32
export const SUBSCRIBERS = 48

export const PARTICIPANT = 0
export const POLICY = 1
export const CURSOR = 2
export const subscriberWords = 16

/** Publishers wait until this subscriber has read. */
export const WAIT = 1
/** What this subscriber has not read is overwritten. */
export const SKIP = 2
/** The same, and it gets nothing more. */
export const DISCONNECT = 3

export const mostMaxSubscribers = 4_096

/** Where the parts of a topic are, from its first word on, and where it ends. */
export interface TopicParts {
  readonly entries: number
  /** The number of entries less one: a count and this is the entry's number. */
  readonly mask: number
  readonly data: number
  readonly dataWords: number
  readonly end: number
}

export function topicPartsOf(capacity: number, capacityBytes: number, maxSubscribers: number): TopicParts {
  const entryCount = 2 ** Math.ceil(Math.log2(capacity))
  const entries = SUBSCRIBERS + maxSubscribers * subscriberWords
  const data = entries + Math.ceil((entryCount * 2) / 16) * 16
  const dataWords = wordsOf(capacityBytes)
  return { entries, mask: entryCount - 1, data, dataWords, end: data + dataWords }
}
