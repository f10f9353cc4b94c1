import { storeWords } from '../store/layout.js'

/**
 * The words of a dict, behind those of its store.
 *
 * index · name        · meaning
 * 0…9   · SMALL_TABLE · volatile: the table of buckets of a dict with little in it, laid out as the block of a larger one
 * 10    · TABLE       · volatile: the index of the block with the table / 4 << 5 | the binary logarithm of its size
 * 11    · COUNT       · volatile: how many entries there are
 * 12    · NEXT_LOW    · volatile: ORDER_LOW of the next new entry
 * 13    · NEXT_HIGH   · volatile: the same for ORDER_HIGH
 * 14    · GENERATION  · 0 to 7: entries of the one before do not count any more, and there are none of any other
 *
 * A table is a block, its payload one word for each bucket: the first entry in it; 0: none.
 *
 * An entry is a block, LIVE when it has a value, CLAIM while somebody makes the first value of a key.
 *
 * index · name       · meaning
 * 2     · NEXT       · volatile: the next entry in its bucket; 0: none
 * 3     · HASH       · of its key
 * 4     · OWNER      · who makes its next value, as in the word of a mutex: FREE, or participant | WAITERS
 * 5     · KEY        · form and length of the key
 * 6     · VALUE      · length of the value in bytes << 1 | whether it stands at the end of the room
 * 7     · ORDER_LOW  · when its key was set first: 32 bits
 * 8     · STAMP      · 21 more bits of that << 11 | version, 8 bits << 3 | generation, 3 bits
 * 9…    ·            · the key, in whole words; then the room for values, to the end of the block
 *
 * Invariant: an entry's key, HASH, order, version and generation never change.
 * Invariant: a value stands at the beginning of the room or at its end. The next one is written where there is none, and the
 * store of VALUE is the change. Where there is no room for both, a new entry with the next version takes the old one's place.
 * Invariant: of two LIVE entries of one key, which only a death can leave, the one with the next version counts.
 * Invariant: `clear` is the store of GENERATION; what is freed then does not count any more.
 * Invariant: OWNER changes under the lock only. Its holder writes the value under the lock; readers see the old one until then.
 */
export const SMALL_TABLE = 0
export const TABLE = 10
export const COUNT = 11
export const NEXT_LOW = 12
export const NEXT_HIGH = 13
export const GENERATION = 14

export const dictWords = storeWords + 15

export const smallTableBits = 3
export const mostTableBits = 27

export const NEXT = 2
export const HASH = 3
export const OWNER = 4
export const KEY = 5
export const VALUE = 6
export const ORDER_LOW = 7
export const STAMP = 8
export const DATA = 9

const orderHighShift = 11
const versionShift = 3
const versions = 256
const generationMask = 7

export const generations = generationMask + 1

export const orderHighOf = (stamp: number): number => stamp >>> orderHighShift
export const generationOf = (stamp: number): number => stamp & generationMask
export const stampOf = (orderHigh: number, generation: number): number => (orderHigh << orderHighShift) | generation

/** The stamp of what takes the place of an entry with this one. */
export function nextVersion(stamp: number): number {
  const version = (stamp >>> versionShift) % versions
  return stamp + ((((version + 1) % versions) - version) << versionShift)
}

/** The order of an entry as one number. */
export const orderOf = (low: number, stamp: number): number => orderHighOf(stamp) * 2 ** 32 + (low >>> 0)

export const bytesOf = (value: number): number => value >>> 1
export const wordsOfBytes = (byteLength: number): number => (byteLength + 3) >>> 2
export const valueWord = (byteLength: number, atEnd: boolean): number => (byteLength << 1) | (atEnd ? 1 : 0)
/** How long a value may be in bytes. */
export const mostValueBytes = 2 ** 30 - 1
