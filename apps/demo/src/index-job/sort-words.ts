import { endOf, startOf, type WordList } from './word-table.js'

const insertionSize = 12

/**
 * The numbers of the words in the order of their bytes.
 *
 * Three-way radix quicksort: it looks at each byte of a common beginning once, where a comparing sort would look at it again
 * and again, and makes no strings.
 * Source: Jon Bentley, Robert Sedgewick, "Fast Algorithms for Sorting and Searching Strings", 1997.
 * Differs: a stack of its own, because a word may have tens of thousands of bytes.
 */
export function sortWords(words: WordList): Uint32Array {
  const { size, bytes } = words
  const order = new Uint32Array(size)
  for (let index = 0; index < size; index++) order[index] = index
  const byteAt = (word: number, depth: number): number => {
    const at = startOf(words, word) + depth
    return at < endOf(words, word) ? (bytes[at] as number) : -1
  }
  const isBefore = (left: number, right: number, depth: number): boolean => {
    for (let at = depth; ; at++) {
      const byte = byteAt(left, at)
      const other = byteAt(right, at)
      if (byte !== other) return byte < other
      if (byte < 0) return false
    }
  }
  const pending = [0, size, 0]
  while (pending.length > 0) {
    const depth = pending.pop() as number
    const high = pending.pop() as number
    const low = pending.pop() as number
    if (high - low <= insertionSize) {
      for (let index = low + 1; index < high; index++) {
        const word = order[index] as number
        let at = index
        for (; at > low && isBefore(word, order[at - 1] as number, depth); at--) order[at] = order[at - 1] as number
        order[at] = word
      }
      continue
    }
    const pivot = byteAt(order[(low + high) >>> 1] as number, depth)
    let less = low
    let greater = high
    for (let at = low; at < greater; ) {
      const word = order[at] as number
      const byte = byteAt(word, depth)
      if (byte < pivot) {
        order[at++] = order[less] as number
        order[less++] = word
      } else if (byte > pivot) {
        order[at] = order[--greater] as number
        order[greater] = word
      } else at++
    }
    if (less - low > 1) pending.push(low, less, depth)
    if (high - greater > 1) pending.push(greater, high, depth)
    if (pivot >= 0 && greater - less > 1) pending.push(less, greater, depth + 1)
  }
  return order
}
