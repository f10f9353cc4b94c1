import { corrupt } from '../errors.js'
import { granuleWords } from '../store/layout.js'
import { expiryOf, linkedTail, tailOf } from './entry.js'
import { BEFORE, CHILD, SIBLING, SOONEST } from './layout.js'

/**
 * The entries of a cache that expire, the one that does so first at hand: a pairing heap. For the holder of the lock, between
 * `begin` and `end`.
 *
 * Invariant: no entry expires before the one whose child it is.
 * Source: Michael Fredman, Robert Sedgewick, Daniel Sleator, Robert Tarjan, "The Pairing Heap: A New Form of Self-Adjusting
 * Heap", Algorithmica 1 (1986)
 */
export class Expiries {
  readonly #words: Int32Array
  readonly #root: number

  /** @param root - the index of the cache's own first word */
  constructor(words: Int32Array, root: number) {
    this.#words = words
    this.#root = root
  }

  /** Also outside of `begin` and `end`. */
  get isEmpty(): boolean {
    return this.#words[this.#root + SOONEST] === 0
  }

  /** 0: there is none. @throws CorruptError `ERR_CORRUPT`: it can be none */
  get soonest(): number {
    const entry = this.#words[this.#root + SOONEST] as number
    if (entry !== 0) linkedTail(this.#words, entry)
    return entry
  }

  insert(entry: number): void {
    const words = this.#words
    const tail = linkedTail(words, entry)
    words[tail + CHILD] = 0
    words[tail + SIBLING] = 0
    words[tail + BEFORE] = 0
    const { soonest } = this
    words[this.#root + SOONEST] = soonest === 0 ? entry : this.#meld(soonest, entry)
  }

  /** With the expiry that it was put in with. */
  remove(entry: number): void {
    const words = this.#words
    const tail = tailOf(words, entry)
    const children = this.#mergePairs(words[tail + CHILD] as number)
    const soonest = words[this.#root + SOONEST] as number
    if (soonest === entry) {
      words[this.#root + SOONEST] = children
      return
    }
    const before = words[tail + BEFORE] as number
    const sibling = words[tail + SIBLING] as number
    const tailBefore = linkedTail(words, before)
    if (words[tailBefore + CHILD] === entry) words[tailBefore + CHILD] = sibling
    else if (words[tailBefore + SIBLING] === entry) words[tailBefore + SIBLING] = sibling
    else throw corrupt(`the entry at ${entry} is in no heap`)
    if (sibling !== 0) words[linkedTail(words, sibling) + BEFORE] = before
    if (children !== 0) words[this.#root + SOONEST] = this.#meld(soonest, children)
  }

  /** Forgets them all. */
  empty(): void {
    this.#words[this.#root + SOONEST] = 0
  }

  /** Makes one heap of two, neither of which has a SIBLING or a BEFORE. @returns its first entry */
  #meld(one: number, other: number): number {
    const words = this.#words
    const isOther = expiryOf(words, other) < expiryOf(words, one)
    const first = isOther ? other : one
    const second = isOther ? one : other
    const tail = linkedTail(words, first)
    const tailOfSecond = linkedTail(words, second)
    const child = words[tail + CHILD] as number
    words[tailOfSecond + SIBLING] = child
    if (child !== 0) words[linkedTail(words, child) + BEFORE] = second
    words[tailOfSecond + BEFORE] = first
    words[tail + CHILD] = second
    return first
  }

  /** Makes one heap of an entry and its siblings: two by two from the first to the last, then all on the way back. */
  #mergePairs(first: number): number {
    const words = this.#words
    let pairs = 0
    // No more than twice as many steps as there can be entries, whatever the links say.
    let left = words.length / granuleWords
    for (let entry = first; entry !== 0; ) {
      if (left-- < 0) throw corrupt('the heap of expiries does not end')
      const other = this.#detach(entry)
      const next = other === 0 ? 0 : this.#detach(other)
      const pair = other === 0 ? entry : this.#meld(entry, other)
      words[linkedTail(words, pair) + SIBLING] = pairs
      pairs = pair
      entry = next
    }
    let heap = 0
    for (let pair = pairs; pair !== 0; ) {
      if (left-- < -words.length / granuleWords) throw corrupt('the heap of expiries does not end')
      const next = this.#detach(pair)
      heap = heap === 0 ? pair : this.#meld(heap, pair)
      pair = next
    }
    return heap
  }

  /** @returns what was its sibling */
  #detach(entry: number): number {
    const tail = linkedTail(this.#words, entry)
    const sibling = this.#words[tail + SIBLING] as number
    this.#words[tail + SIBLING] = 0
    this.#words[tail + BEFORE] = 0
    return sibling
  }
}
