/** Looked up once: where globals are looked up slowly, as in a test runner's realm, a loop would feel it. */
const { imul } = Math

/**
 * The states that were seen, by number in the order they came. Rows are stored whole and compared cell by cell, so that no
 * two states are ever taken for the same.
 */
export class StateSet {
  readonly #width: number
  #rows: Int32Array
  /** Open addressing: 0 or the number of a row plus 1; at most half full. */
  #table = new Int32Array(2 ** 10)
  #size = 0

  constructor(width: number) {
    this.#width = width
    this.#rows = new Int32Array(width * 2 ** 9)
  }

  get size(): number {
    return this.#size
  }

  /** The number of the row that begins at `base`; `~number` if it was not there before. */
  add(cells: Int32Array, base: number): number {
    const mask = this.#table.length - 1
    let slot = this.#hash(cells, base) & mask
    for (let entry = this.#table[slot] as number; entry !== 0; entry = this.#table[slot] as number) {
      if (this.#isRow(entry - 1, cells, base)) return entry - 1
      slot = (slot + 1) & mask
    }
    const row = this.#size++
    this.#table[slot] = row + 1
    const at = row * this.#width
    for (let cell = 0; cell < this.#width; cell++) this.#rows[at + cell] = cells[base + cell] as number
    if (this.#size * 2 > this.#table.length) this.#grow()
    return ~row
  }

  #isRow(row: number, cells: Int32Array, base: number): boolean {
    const at = row * this.#width
    for (let cell = 0; cell < this.#width; cell++) if (this.#rows[at + cell] !== cells[base + cell]) return false
    return true
  }

  #grow(): void {
    const rows = new Int32Array(this.#rows.length * 2)
    rows.set(this.#rows)
    this.#rows = rows
    const table = new Int32Array(this.#table.length * 2)
    const mask = table.length - 1
    for (let row = 0; row < this.#size; row++) {
      let slot = this.#hash(rows, row * this.#width) & mask
      while (table[slot] !== 0) slot = (slot + 1) & mask
      table[slot] = row + 1
    }
    this.#table = table
  }

  #hash(cells: Int32Array, base: number): number {
    let hash = 0
    for (let cell = base; cell < base + this.#width; cell++) {
      hash = imul(hash ^ (cells[cell] as number), 0x9e3779b1)
      hash ^= hash >>> 15
    }
    return hash
  }
}
