import { partsOf } from '../ring/layout.js'

/**
 * The words of a pipe, from its tag on.
 *
 * index · name           · meaning
 * 0     · (tag)          · what kind of object this is
 * 1     · CAPACITY_BYTES · the size of the data of each direction; written once
 * 2     · MESSAGE_BYTES  · the longest message; written once
 * 3     · DIRECTIONS     · 1: from the second end to the first; 2: also back; written once
 * 4     · SIZE_CHECK     · goes with the three before it, see `ring/size-check.ts`; written once
 * 16    · END            · words of the first end, see below
 * 32    · END            · words of the second end
 * 48…   · RING           · messages for the first end: words of a ring, as if its tag were the first one, see `ring/layout.ts`
 * …     · RING           · messages for the second end, if there are two directions
 *
 * words of an end · name     · meaning
 * 0               · OWNER    · the participant that opened it last
 * 1               · OPENINGS · how often it was opened, modulo 2^32; who opened it last is the one with this number
 * 2               · STATE    · 0 open; 1 closed for good
 * 3               · SENDING  · 1 while a part of a message is in its ring and the rest is still to come
 *
 * Invariant: OWNER, OPENINGS and STATE change under the locks of the end, see {@link import('./end-state.js').EndState}: TAKE_LOCK
 * of the ring that it receives from, then PUT_LOCK of the one that it sends to.
 * Invariant: while STATE is 1, both rings are closed, or the one who closes it is about to, or has died.
 * Differs from a queue's ring: a record is one frame of codec's `MessageFrames`. RECORDS has one record, of nobody, and ITEMS and
 * ROOM are what the two ends wait for. DONE, ENDS and ERRORS are not used.
 */
export const CAPACITY_BYTES = 1
export const MESSAGE_BYTES = 2
export const DIRECTIONS = 3
export const SIZE_CHECK = 4
export const END = 16
export const endWords = 16
const RING = 48

export const OWNER = 0
export const OPENINGS = 1
export const STATE = 2
export const SENDING = 3

/** Of a frame in a ring, in words; the bytes of the message follow. */
export const headerWords = 2
export const headerBytes = 8
/** In the second word of a frame. */
export const BEGINS = 0x8000_0000 | 0

/** Room for four frames with a word of the message in each. */
export const leastCapacityBytes = 64
export const mostMessageBytes = 2 ** 31 - 1

/** The most messages inside: as many as have room if each is short. */
export const ringCapacity = (capacityBytes: number): number => capacityBytes >>> 4

/** Where a ring's parts are, from its first word on. There is one record, which nobody reads. */
export const ringParts = (capacityBytes: number) => partsOf(0, ringCapacity(capacityBytes), capacityBytes)

/** The first word of the ring that this end receives from. @param side - 0: the first end */
export function ringIndex(side: number, capacityBytes: number): number {
  return RING + side * ringWords(capacityBytes)
}

export function pipeWords(capacityBytes: number, directions: number): number {
  return RING + directions * ringWords(capacityBytes)
}

const ringWords = (capacityBytes: number): number => Math.ceil(ringParts(capacityBytes).end / 16) * 16
