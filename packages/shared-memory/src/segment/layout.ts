import { mostSlots } from '@heddle/sync-primitives/building-blocks'
import { wordsPerSlot } from './slots.js'

/**
 * The words of a segment.
 *
 * index · name         · meaning
 * 0     · MAGIC        · tells a segment from any other file; 0 in a process that has closed it
 * 1     · LAYOUT       · version of this layout
 * 2     · SLOTS        · how many threads can take part at a time; written once
 * 3     · SIZE         · size of the whole in words; written once
 * 4…7   · IDENTITY     · 128 random bits that tell this segment from every other; written once
 * 8     · DIRECTORY    · index of the SharedDict of named objects; 0: nobody has named one yet
 * 9     · HAS_POLLERS  · 1: a thread takes part that other processes cannot wake, see `process-memory.ts`; never 0 again
 * 16…   · HEAP         · the words of `heap.ts` that are not areas
 * 32…   · PARTICIPANTS · the table of `slots.ts`
 * then  · areas        · the heap, to the end
 *
 * Invariant: a file has its name only after all that is written once was written; so whoever opens a name finds it whole.
 * Invariant: the file is as long as SIZE says, for ever; it is never cut, only removed.
 */
export const MAGIC = 0
export const LAYOUT = 1
export const SLOTS = 2
export const SIZE = 3
export const IDENTITY = 4
export const DIRECTORY = 8
export const HAS_POLLERS = 9
export const HEAP = 16
export const PARTICIPANTS = 32

export const magic = 0x48647367 // "Hdsg"
export const layout = 1
export const identityWords = 4
export const wordsPerLine = 16
export const headerBytes = PARTICIPANTS * 4

/** WebAssembly's page: the unit in which memory can be had that a file is laid over. */
export const pageBytes = 64 * 1024
export const mostBytes = 2 ** 31 - pageBytes

/** Where the heap's areas begin. */
export const areasIndex = (slots: number): number => PARTICIPANTS + (slots + 1) * wordsPerSlot

export interface Header {
  readonly slots: number
  readonly words: number
  readonly identity: string
}

/** What is wrong with the first words of a file of this many bytes; undefined: nothing. */
export function whatIsWrong(words: Int32Array, bytes: number): string | undefined {
  if (words[MAGIC] !== magic) return 'it holds no segment'
  if (words[LAYOUT] !== layout) return `it has layout ${words[LAYOUT]}; this version of Heddle reads layout ${layout}`
  if (bytes % pageBytes !== 0 || words[SIZE] !== bytes / 4) return 'its size is not what its header says'
  const slots = words[SLOTS] as number
  if (slots < 1 || slots > mostSlots || areasIndex(slots) >= bytes / 4) return 'it has no room for its participants'
  return undefined
}

export function identityOf(words: Int32Array): string {
  return Buffer.from(Int32Array.from(words.subarray(IDENTITY, IDENTITY + identityWords)).buffer).toString('hex')
}
