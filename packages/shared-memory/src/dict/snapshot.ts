/** How many entries, and how wide a range of orders, fit into one float each: the quick way to sort. */
const placeBits = 21
const mostSpan = 2 ** 32

/** Which entries there were at one moment, by what never changes of them. */
export class Snapshot {
  #hashes: number[] = []
  #orders: number[] = []

  get length(): number {
    return this.#orders.length
  }

  hashAt(place: number): number {
    return this.#hashes[place] as number
  }

  orderAt(place: number): number {
    return this.#orders[place] as number
  }

  add(hash: number, order: number): void {
    this.#hashes.push(hash)
    this.#orders.push(order)
  }

  /** Brings them into their order. */
  sort(): void {
    const hashes = this.#hashes
    const orders = this.#orders
    let least = Number.POSITIVE_INFINITY
    let most = 0
    for (const order of orders) {
      if (order < least) least = order
      if (order > most) most = order
    }
    const places = this.length < 2 ** placeBits && most - least < mostSpan ? packed(orders, least) : sorted(orders)
    this.#hashes = places.map((place) => hashes[place] as number)
    this.#orders = places.map((place) => orders[place] as number)
  }
}

function packed(orders: readonly number[], least: number): number[] {
  const keys = Float64Array.from(orders, (order, place) => (order - least) * 2 ** placeBits + place).sort()
  return Array.from(keys, (key) => key % 2 ** placeBits)
}

function sorted(orders: readonly number[]): number[] {
  return Array.from(orders, (_, place) => place).sort((a, b) => (orders[a] as number) - (orders[b] as number))
}
