import { granuleWords, PAYLOAD, storeWords } from '../store/layout.js'

/**
 * The words of a list, behind those of its store.
 *
 * index · name  · meaning
 * 0     · TABLE · the index of the block with the table; 0: the list is empty
 *
 * The table is a block, LIVE. It has room for the places of all elements twice: the two halves.
 *
 * index · name   · meaning
 * 2     · LENGTH · how many elements there are << 1 | which half counts
 * 3…    · PLACES · a half, and behind it the other one: the index of each element's block, in their order
 *
 * An element is a block, LIVE.
 *
 * index · name  · meaning
 * 2     · BYTES · the length of its value in bytes
 * 3…    · DATA  · its value, in whole words
 *
 * Invariant: the list is what the table in TABLE names, in the half that counts, up to LENGTH. Any other LIVE block has been
 * left by a death, and is freed by the next one who repairs.
 * Invariant: what a block in the list holds never changes, but for the places and LENGTH of the table.
 * Invariant: a change is one store. At the end of the list it is LENGTH, before which the new places are written behind it.
 * Elsewhere it is LENGTH too, with the other half, where all places were written before. A new value for an element is one
 * place. A table of another size, or none, is TABLE. New blocks are LIVE before that store, old ones are freed after it.
 * Invariant: to take out an element needs no room.
 */
export const TABLE = 0

export const listWords = storeWords + 1

export const LENGTH = PAYLOAD
export const PLACES = 3

export const BYTES = PAYLOAD
export const DATA = 3

/** How long a value may be in bytes. */
export const mostValueBytes = 2 ** 30 - 1

/** For how many elements a table of so many granules has room. */
export const capacityOf = (granules: number): number => (granules * granuleWords - PLACES) >>> 1
/** How many words behind the head of a block are a table for `capacity` elements. */
export const tableWords = (capacity: number): number => PLACES - PAYLOAD + capacity * 2

export const lengthOf = (word: number): number => word >>> 1
export const halfOf = (word: number): number => word & 1
export const lengthWord = (length: number, half: number): number => (length << 1) | half

export const wordsOfBytes = (byteLength: number): number => (byteLength + 3) >>> 2
