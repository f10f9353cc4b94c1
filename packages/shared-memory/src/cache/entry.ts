import { bytesOf, DATA, KEY, VALUE, wordsOfBytes } from '../dict/layout.js'
import { corrupt } from '../errors.js'
import { keyWords } from '../store/keys.js'
import { granuleWords, HEAD, LIVE, sizeOf, stateOf } from '../store/layout.js'
import { expiryWords, readFloat, tailWords } from './layout.js'

/** The index of an entry's OLDER; behind its room for values. */
export function tailOf(words: Int32Array, entry: number): number {
  return entry + sizeOf(words[entry + HEAD] as number) * granuleWords - tailWords
}

/** The same for what was read as a link to a LIVE entry. @throws CorruptError `ERR_CORRUPT`: it can be none */
export function linkedTail(words: Int32Array, entry: number): number {
  const isEntry = entry > 0 && entry % granuleWords === 0 && stateOf(words[entry + HEAD] as number) === LIVE
  const tail = tailOf(words, entry)
  if (!isEntry || tail < entry + DATA || tail + tailWords > words.length)
    throw corrupt(`a link of the cache leads to ${entry}`)
  return tail
}

/** The index of the first word of room for values. */
export function roomOf(words: Int32Array, entry: number): number {
  return entry + DATA + keyWords(words[entry + KEY] as number)
}

/** How many words a value of an entry has, without its EXPIRY. */
export function valueWords(words: Int32Array, entry: number): number {
  return wordsOfBytes(bytesOf(words[entry + VALUE] as number))
}

/** Where its value stands. */
export function valueAt(words: Int32Array, entry: number): number {
  const isAtEnd = (words[entry + VALUE] as number) & 1
  return isAtEnd ? tailOf(words, entry) - valueWords(words, entry) - expiryWords : roomOf(words, entry)
}

/** Where its EXPIRY stands. */
export function expiryAt(words: Int32Array, entry: number): number {
  const isAtEnd = (words[entry + VALUE] as number) & 1
  return isAtEnd ? tailOf(words, entry) - expiryWords : roomOf(words, entry) + valueWords(words, entry)
}

/** When it ceases to count; 0: never. */
export function expiryOf(words: Int32Array, entry: number): number {
  return readFloat(words, expiryAt(words, entry))
}

/** How many words of the cache's limit it takes up. */
export function usedBy(words: Int32Array, entry: number): number {
  return keyWords(words[entry + KEY] as number) + valueWords(words, entry)
}
