import type { Memory } from '@heddle/sync-primitives'
import { corrupt } from '../errors.js'
import { keyWords } from '../store/keys.js'
import { CLAIM, LIVE } from '../store/layout.js'
import { Store, type Structure } from '../store/store.js'
import { Entries } from './entries.js'
import { DATA, GENERATION, generationOf, generations, HASH, KEY, NEXT, nextVersion, STAMP } from './layout.js'
import { Table } from './table.js'

/** What a dict makes again when somebody has died inside, and after `clear`. For the holder of the lock. */
export class Recovery implements Structure {
  readonly #words: Int32Array
  readonly #root: number
  readonly #store: Store
  readonly #entries: Entries
  readonly #table: Table

  /** @param root - the index of the dict's own first word, `storeRoot` that of its store */
  constructor(memory: Memory, storeRoot: number, root: number) {
    this.#words = memory.words
    this.#root = root
    this.#store = new Store(memory, storeRoot, this)
    this.#entries = new Entries(this.#store, root)
    this.#table = new Table(this.#store, this.#entries, root)
  }

  get store(): Store {
    return this.#store
  }

  get entries(): Entries {
    return this.#entries
  }

  get table(): Table {
    return this.#table
  }

  /** The store of GENERATION by which all entries cease to count; {@link Store.rebuild} must follow. */
  commitClear(): void {
    const generation = this.#words[this.#root + GENERATION] as number
    Atomics.store(this.#words, this.#root + GENERATION, (generation + 1) % generations)
  }

  keeps(entry: number, state: number): boolean {
    this.#entries.check(entry)
    const now = this.#words[this.#root + GENERATION] as number
    const generation = generationOf(this.#words[entry + STAMP] as number)
    if (generation !== now) {
      if ((generation + 1) % generations === now) return false
      throw corrupt(`the dict is in generation ${now}, and an entry of ${generation}`)
    }
    return state === LIVE || this.#entries.isOwned(entry)
  }

  relink(): void {
    const words = this.#words
    this.#table.setCount(0)
    let count = 0
    this.#store.visit(() => {
      count += 1
      return true
    })
    this.#table.reset(count)
    let nextOrder = 0
    const losers: number[] = []
    this.#store.visit((entry, state) => {
      if (state !== LIVE && state !== CLAIM) return true
      nextOrder = Math.max(nextOrder, this.#entries.orderAt(entry) + 1)
      const twin = state === LIVE ? this.#twinOf(entry) : 0
      const isNewer = twin !== 0 && words[entry + STAMP] === nextVersion(words[twin + STAMP] as number)
      if (twin !== 0) losers.push(isNewer ? twin : entry)
      if (isNewer) this.#table.unlink(twin)
      if (twin === 0 || isNewer) this.#table.link(entry)
      return true
    })
    for (const loser of losers) this.#store.free(loser)
    this.#table.setCount(this.#countLive())
    this.#entries.setNextOrder(nextOrder)
  }

  /** The other LIVE entry of the same key that was linked already; 0: there is none. */
  #twinOf(entry: number): number {
    const words = this.#words
    const length = keyWords(words[entry + KEY] as number)
    let twin = this.#table.firstOf(words[entry + HASH] as number)
    for (; twin !== 0; twin = words[twin + NEXT] as number) {
      if (words[twin + HASH] !== words[entry + HASH] || words[twin + KEY] !== words[entry + KEY]) continue
      if (this.#store.stateAt(twin) !== LIVE) continue
      let at = 0
      while (at < length && words[twin + DATA + at] === words[entry + DATA + at]) at++
      if (at === length) return twin
    }
    return 0
  }

  #countLive(): number {
    let count = 0
    this.#store.visit((_, state) => {
      if (state === LIVE) count += 1
      return true
    })
    return count
  }
}
