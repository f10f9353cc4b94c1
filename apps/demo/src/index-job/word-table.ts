/**
 * Words with their counts, in flat arrays: what the tokenizer finds, what a table holds and what a message carries.
 *
 * Word `i` has four numbers in `entries`, from `4 * i` on:
 *
 * number · meaning
 * 0      · where it starts in `bytes`, in UTF-8
 * END    · where it ends
 * TAIL   · its last four bytes
 * HEAD   · of up to 8 bytes: those before the last four; of more: a hash of all
 *
 * Invariant: no word holds a NUL byte, so that TAIL and HEAD *are* the word if it has up to 8 bytes, and nothing more needs
 * to be compared.
 */
export interface WordList {
  readonly size: number
  readonly bytes: Uint8Array
  readonly entries: Int32Array
  readonly counts: Float64Array
}

// Used here only, and not exported: what a module exports is read from memory at each use, which the hot loops would feel.
const END = 1
const TAIL = 2
const HEAD = 3
const width = 4
const keyedBytes = 8

/** How many numbers a word has in `entries`. */
export const ENTRY_WIDTH = width
/** The longest word that its TAIL and HEAD hold whole. */
export const KEYED_BYTES = keyedBytes

/** Where word `word` starts in `words.bytes`. */
export function startOf(words: WordList, word: number): number {
  return words.entries[word * width] as number
}

/** Where word `word` ends in `words.bytes`. */
export function endOf(words: WordList, word: number): number {
  return words.entries[word * width + END] as number
}

/** FNV-1a: the HEAD of a word with more than {@link KEYED_BYTES} bytes. */
export function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 | 0
  for (let index = start; index < end; index++) hash = Math.imul(hash ^ (bytes[index] as number), 0x01000193)
  return hash
}

/** A slot is: TAIL, HEAD, the word's number + 1 (0: free), and its length if that is more than 8. */
const slotWidth = 4
/** Offsets are numbers of 32 bits. */
const mostBytes = 2 ** 31 - 1

/**
 * Counts words, held as bytes in flat memory: no string and no object per word, and nothing to convert when a thread hands
 * its words to another.
 *
 * An open hash table, at most half full. Counts are doubles: exact up to 2^53.
 */
export class WordTable {
  #size = 0
  #used = 0
  #bytes: Uint8Array
  #entries: Int32Array
  #counts: Float64Array
  #slots: Int32Array

  /** @param room - for how many words there is memory at first, a power of two: growing costs time, also the compiler's */
  constructor(room = 1 << 14) {
    this.#bytes = new Uint8Array(room * 16)
    this.#entries = new Int32Array(room * width)
    this.#counts = new Float64Array(room)
    this.#slots = new Int32Array(room * 2 * slotWidth)
  }

  /** The words as they lie in memory, without a copy: valid until the next change. */
  view(): WordList {
    return { size: this.#size, bytes: this.#bytes, entries: this.#entries, counts: this.#counts }
  }

  /** The words in arrays of exactly their size: what a message should carry. */
  pack(): WordList {
    const size = this.#size
    return {
      size,
      bytes: this.#bytes.slice(0, this.#used),
      entries: this.#entries.slice(0, size * width),
      counts: this.#counts.slice(0, size),
    }
  }

  /** Forgets every word and keeps the memory. */
  clear(): void {
    this.#size = 0
    this.#used = 0
    this.#slots.fill(0)
  }

  /** Adds the count of each word of `words`. @throws RangeError: more than 2 GiB of distinct words */
  add(words: WordList): void {
    for (let word = 0; word < words.size; word++) {
      word = this.#addKnown(words, word)
      if (word < words.size) this.#insert(words, word)
    }
  }

  /** How often the word number `word` of `words` was counted here; 0 if never. */
  countOf(words: WordList, word: number): number {
    const found = this.#slots[this.#slotOf(words, word) + 2] as number
    return found === 0 ? 0 : (this.#counts[found - 1] as number)
  }

  /**
   * Adds the words from `from` on up to the first that is new here, and returns that one's number.
   *
   * The hot loop of the job: it stands alone, and repeats {@link WordTable.#slotOf}, so that the compiler has it optimised
   * after a few milliseconds and nothing rare sends it back to the interpreter.
   */
  #addKnown(words: WordList, from: number): number {
    const { size, bytes: source, entries: given, counts: amounts } = words
    const slots = this.#slots
    const bytes = this.#bytes
    const entries = this.#entries
    const counts = this.#counts
    const mask = slots.length - slotWidth
    for (let word = from; word < size; word++) {
      const entry = word * width
      const start = given[entry] as number
      const end = given[entry + END] as number
      const tail = given[entry + TAIL] as number
      const head = given[entry + HEAD] as number
      const compared = end - start > keyedBytes ? end - start : 0
      let found = 0
      for (let slot = firstSlot(tail, head, mask); ; slot = (slot + slotWidth) & mask) {
        found = slots[slot + 2] as number
        if (found === 0) return word
        if (slots[slot] !== tail || slots[slot + 1] !== head || slots[slot + 3] !== compared) continue
        if (compared === 0) break
        let own = entries[(found - 1) * width] as number
        let at = start
        for (; at < end && bytes[own] === source[at]; at++) own++
        if (at === end) break
      }
      counts[found - 1] = (counts[found - 1] as number) + (amounts[word] as number)
    }
    return size
  }

  /** The slot that the word has, or the free one that it would get. */
  #slotOf({ bytes, entries }: WordList, word: number): number {
    const entry = word * width
    const start = entries[entry] as number
    const end = entries[entry + END] as number
    const tail = entries[entry + TAIL] as number
    const head = entries[entry + HEAD] as number
    const compared = end - start > keyedBytes ? end - start : 0
    const slots = this.#slots
    const mask = slots.length - slotWidth
    for (let slot = firstSlot(tail, head, mask); ; slot = (slot + slotWidth) & mask) {
      const found = slots[slot + 2] as number
      if (found === 0) return slot
      if (slots[slot] !== tail || slots[slot + 1] !== head || slots[slot + 3] !== compared) continue
      const own = this.#entries[(found - 1) * width] as number
      const length = end - start
      if (Buffer.compare(bytes.subarray(start, end), this.#bytes.subarray(own, own + length)) === 0) return slot
    }
  }

  /** Adds a word that is not here yet. */
  #insert(words: WordList, number: number): void {
    const { bytes, entries, counts } = words
    const entry = number * width
    const start = entries[entry] as number
    const length = (entries[entry + END] as number) - start
    const used = this.#used
    this.#used += length
    if (this.#used > this.#bytes.length) this.#growBytes()
    for (let index = 0; index < length; index++) this.#bytes[used + index] = bytes[start + index] as number
    const word = this.#size++
    const own = word * width
    this.#entries[own] = used
    this.#entries[own + END] = this.#used
    this.#entries[own + TAIL] = entries[entry + TAIL] as number
    this.#entries[own + HEAD] = entries[entry + HEAD] as number
    this.#counts[word] = counts[number] as number
    placeWord(this.#slots, this.#entries, word)
    if (this.#size === this.#counts.length) this.#grow()
  }

  #growBytes(): void {
    if (this.#used > mostBytes) throw new RangeError('more than 2 GiB of distinct words')
    const larger = new Uint8Array(Math.min(mostBytes, Math.max(this.#bytes.length * 2, this.#used)))
    larger.set(this.#bytes)
    this.#bytes = larger
  }

  #grow(): void {
    const room = this.#size * 2
    const entries = new Int32Array(room * width)
    entries.set(this.#entries)
    const counts = new Float64Array(room)
    counts.set(this.#counts)
    const slots = new Int32Array(room * 2 * slotWidth)
    for (let word = 0; word < this.#size; word++) placeWord(slots, entries, word)
    this.#entries = entries
    this.#counts = counts
    this.#slots = slots
  }
}

function firstSlot(tail: number, head: number, mask: number): number {
  const mixed = Math.imul(tail ^ Math.imul(head, 0x9e3779b1), 0x85ebca6b)
  return ((mixed ^ (mixed >>> 15)) * slotWidth) & mask
}

/** Puts a word into the next free slot; it must not be in another one. */
function placeWord(slots: Int32Array, entries: Int32Array, word: number): void {
  const entry = word * width
  const tail = entries[entry + TAIL] as number
  const head = entries[entry + HEAD] as number
  const length = (entries[entry + END] as number) - (entries[entry] as number)
  const mask = slots.length - slotWidth
  let slot = firstSlot(tail, head, mask)
  while (slots[slot + 2] !== 0) slot = (slot + slotWidth) & mask
  slots[slot] = tail
  slots[slot + 1] = head
  slots[slot + 2] = word + 1
  slots[slot + 3] = length > keyedBytes ? length : 0
}
