import { corrupt } from '../errors.js'
import type { EncodedKey } from '../store/keys.js'
import { CLAIM, granuleWords, HEAD, PAYLOAD, sizeOf, stateOf, VOLATILE } from '../store/layout.js'
import type { Store } from '../store/store.js'
import type { Entries } from './entries.js'
import { COUNT, DATA, HASH, KEY, mostTableBits, NEXT, SMALL_TABLE, smallTableBits, TABLE } from './layout.js'

/** Of what was found without the lock: an index that cannot be one, or a chain without an end. */
export const NONSENSE = -1

/** How far a chain is followed without the lock: while a table moves, it may lead in a circle. */
const mostSteps = 1024

/** The entries of a dict by their keys. What is not said to be for everybody is for the holder of the lock. */
export class Table {
  readonly #words: Int32Array
  readonly #root: number
  readonly #store: Store
  readonly #entries: Entries

  /** @param root - the index of the dict's own first word */
  constructor(store: Store, entries: Entries, root: number) {
    this.#words = store.words
    this.#root = root
    this.#store = store
    this.#entries = entries
  }

  /** Writes the words of a new dict, which are zero so far. */
  static format(words: Int32Array, root: number): void {
    words[root + TABLE] = tableWord(root + SMALL_TABLE, smallTableBits)
  }

  get count(): number {
    return this.#words[this.#root + COUNT] as number
  }

  get isCountPossible(): boolean {
    return this.count >= 0 && this.count <= this.#mostEntries
  }

  /** For everybody: the entry of a key; 0: there is none; {@link NONSENSE}. An entry may be a CLAIM. */
  find(key: EncodedKey, most = mostSteps): number {
    const words = this.#words
    const { hash, form } = key
    const table = words[this.#root + TABLE] as number
    const mask = maskOf(table)
    let entry = words[blockOf(table) + PAYLOAD + (hash & mask)] as number
    for (let steps = 0; entry !== 0; steps++) {
      const found = words[entry + HASH] as number
      if (!(entry > 0) || entry & 3 || (found ^ hash) & mask || steps > most) return NONSENSE
      if (found === hash && words[entry + KEY] === form && this.#holds(entry, key)) return entry
      entry = words[entry + NEXT] as number
    }
    return this.#isTable(table) ? 0 : NONSENSE
  }

  #holds(entry: number, key: EncodedKey): boolean {
    const words = this.#words
    const own = key.words
    for (let at = 0; at < key.count; at++) if (words[entry + DATA + at] !== own[at]) return false
    return true
  }

  /** For everybody: the same by hash and order. */
  findByOrder(hash: number, order: number, most = mostSteps): number {
    const words = this.#words
    const table = words[this.#root + TABLE] as number
    const mask = maskOf(table)
    let entry = words[blockOf(table) + PAYLOAD + (hash & mask)] as number
    for (let steps = 0; entry !== 0; steps++) {
      const found = words[entry + HASH] as number
      if (!(entry > 0) || entry & 3 || (found ^ hash) & mask || steps > most) return NONSENSE
      if (found === hash && this.#entries.orderAt(entry) === order) return entry
      entry = words[entry + NEXT] as number
    }
    return this.#isTable(table) ? 0 : NONSENSE
  }

  /** The same as {@link Table.find}, under the lock. */
  findLocked(key: EncodedKey): number {
    const entry = this.find(key, this.#mostEntries)
    if (entry === NONSENSE) this.#store.fail('a bucket does not end')
    if (entry !== 0) this.check(entry)
    return entry
  }

  /** The same as {@link Table.findByOrder}, under the lock. */
  findByOrderLocked(hash: number, order: number): number {
    const entry = this.findByOrder(hash, order, this.#mostEntries)
    if (entry === NONSENSE) this.#store.fail('a bucket does not end')
    if (entry !== 0) this.check(entry)
    return entry
  }

  /** @throws CorruptError `ERR_CORRUPT`: no entry stands there; the next to take the lock repairs what can be */
  check(entry: number): void {
    try {
      this.#entries.check(entry)
    } catch {
      this.#store.fail(`the entry at ${entry} is damaged`)
    }
  }

  /** No chain is longer than there are blocks. */
  get #mostEntries(): number {
    return this.#words.length / granuleWords
  }

  /** Puts an entry into its bucket. */
  link(entry: number): void {
    const bucket = this.#bucketOf(this.#words[entry + HASH] as number)
    this.#words[entry + NEXT] = this.#words[bucket] as number
    this.#words[bucket] = entry
  }

  /** Takes it out again. */
  unlink(entry: number): void {
    const words = this.#words
    let link = this.#bucketOf(words[entry + HASH] as number)
    for (let steps = 0; words[link] !== entry; steps++) {
      const next = words[link] as number
      if (next === 0 || steps > this.#mostEntries) throw corrupt(`the entry at ${entry} is in no bucket`)
      this.#store.sizeAt(next)
      link = next + NEXT
    }
    words[link] = words[entry + NEXT] as number
  }

  /** Counts `by` entries more, and makes the table larger when there are more than buckets, if there is room. */
  addToCount(by: number): void {
    const count = this.count + by
    this.#words[this.#root + COUNT] = count
    const bits = bitsOf(this.#words[this.#root + TABLE] as number)
    if (count > 2 ** bits && bits < mostTableBits) this.grow(bits + 1)
  }

  /** Forgets all entries, and makes a table for `count` of them, or the largest there is room for. */
  reset(count: number): void {
    const words = this.#words
    words.fill(0, this.#root + SMALL_TABLE, this.#root + SMALL_TABLE + PAYLOAD + 2 ** smallTableBits)
    words[this.#root + TABLE] = tableWord(this.#root + SMALL_TABLE, smallTableBits)
    for (let bits = Math.min(32 - Math.clz32(count), mostTableBits); bits > smallTableBits; bits--) {
      const block = this.#newTable(bits)
      if (block === 0) continue
      words[this.#root + TABLE] = tableWord(block, bits)
      return
    }
  }

  setCount(count: number): void {
    this.#words[this.#root + COUNT] = count
  }

  /** The first entry in the bucket of a hash; 0: none. */
  firstOf(hash: number): number {
    return this.#words[this.#bucketOf(hash)] as number
  }

  /** Makes a table of 2 ** `bits` buckets. @returns false: there is no room for one, and the old one stays */
  grow(bits: number): boolean {
    const words = this.#words
    const table = words[this.#root + TABLE] as number
    const old = blockOf(table)
    const size = 2 ** bitsOf(table)
    if (!this.#isTable(table)) throw corrupt('the dict has no table')
    const block = this.#newTable(bits)
    if (block === 0) return false
    const dead: number[] = []
    let left = this.#mostEntries
    for (let bucket = 0; bucket < size; bucket++) {
      let entry = words[old + PAYLOAD + bucket] as number
      while (entry !== 0) {
        if (left-- < 0) throw corrupt('a bucket does not end')
        this.#store.sizeAt(entry)
        const next = words[entry + NEXT] as number
        if (this.#isDeadClaim(entry)) {
          dead.push(entry)
          entry = next
          continue
        }
        const at = block + PAYLOAD + ((words[entry + HASH] as number) & (2 ** bits - 1))
        words[entry + NEXT] = words[at] as number
        words[at] = entry
        entry = next
      }
    }
    words[this.#root + TABLE] = tableWord(block, bits)
    if (old !== this.#root + SMALL_TABLE) this.#store.free(old)
    for (const entry of dead) this.#store.free(entry)
    return true
  }

  #isDeadClaim(entry: number): boolean {
    return this.#store.stateAt(entry) === CLAIM && !this.#entries.isOwned(entry)
  }

  /** The block of a table of 2 ** `bits` empty buckets; 0: no room. */
  #newTable(bits: number): number {
    const block = this.#store.allocate(2 ** bits)
    if (block === 0) return 0
    this.#words.fill(0, block + PAYLOAD, block + PAYLOAD + 2 ** bits)
    this.#store.setState(block, VOLATILE)
    return block
  }

  /** For everybody: whether there is a table of the size that TABLE says where it says. */
  #isTable(table: number): boolean {
    const block = blockOf(table)
    const bits = bitsOf(table)
    if (block === this.#root + SMALL_TABLE) return bits === smallTableBits
    const head = this.#words[block + HEAD] as number
    return stateOf(head) === VOLATILE && sizeOf(head) * granuleWords >= 2 ** bits + PAYLOAD
  }

  #bucketOf(hash: number): number {
    const table = this.#words[this.#root + TABLE] as number
    if (!this.#isTable(table)) throw corrupt('the dict has no table')
    return blockOf(table) + PAYLOAD + (hash & maskOf(table))
  }
}

/** TABLE as one word, so that block and size are always of one table. */
function tableWord(block: number, bits: number): number {
  return ((block / granuleWords) << 5) | bits
}

const blockOf = (table: number): number => (table >>> 5) * granuleWords
const bitsOf = (table: number): number => table & 31
const maskOf = (table: number): number => (1 << (table & 31)) - 1
