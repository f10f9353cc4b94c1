// The words, each on a cache line of its own.
const HEAD = 0
const TAIL = 64
const TAKER_SLEEPS = 128
const PUTTER_SLEEPS = 192
const WORDS = 256

const slotBytes = 64

/** What a ring is on its way to another thread. */
export interface BareRingData {
  readonly buffer: SharedArrayBuffer
  readonly capacity: number
}

/** @param capacity - a power of two, since the counts wrap around at 2^32 */
export function newBareRing(capacity: number): BareRingData {
  return { buffer: new SharedArrayBuffer(4 * WORDS + slotBytes * capacity), capacity }
}

/**
 * The least that a queue between two threads can be: one puts and one takes, each message has 64 bytes, who finds it full or empty
 * sleeps, and only a sleeper is notified. Nothing is safe against a thread that ends, and nothing else can be sent.
 */
export class BareRing {
  readonly #words: Int32Array
  readonly #slots: Uint8Array
  readonly #capacity: number
  /** How many this side has put or taken, and what it last saw of the other side: that is looked up only when it must be. */
  #own: number
  #other: number

  /** Both sides open it while nothing is in it. */
  constructor({ buffer, capacity }: BareRingData) {
    this.#words = new Int32Array(buffer, 0, WORDS)
    this.#slots = new Uint8Array(buffer, 4 * WORDS)
    this.#capacity = capacity
    this.#own = this.#other = Atomics.load(this.#words, TAIL)
  }

  put(message: Uint8Array): void {
    while (((this.#own - this.#other) | 0) === this.#capacity) this.#await(HEAD, PUTTER_SLEEPS)
    this.#slots.set(message, (this.#own & (this.#capacity - 1)) * slotBytes)
    this.#publish(TAIL, TAKER_SLEEPS)
  }

  take(): Uint8Array {
    while (this.#own === this.#other) this.#await(TAIL, TAKER_SLEEPS)
    const start = (this.#own & (this.#capacity - 1)) * slotBytes
    const message = this.#slots.slice(start, start + slotBytes)
    this.#publish(HEAD, PUTTER_SLEEPS)
    return message
  }

  #publish(count: number, sleeps: number): void {
    this.#own = (this.#own + 1) | 0
    Atomics.store(this.#words, count, this.#own)
    if (Atomics.load(this.#words, sleeps) === 0) return
    Atomics.store(this.#words, sleeps, 0)
    Atomics.notify(this.#words, sleeps, 1)
  }

  /**
   * Looks at the other side's count, and sleeps if it has not moved. The flag goes up before the last look, and it is the word that is
   * slept on: a publisher that is late takes down a flag it was not meant by, and then the sleep does not begin, or ends.
   */
  #await(count: number, sleeps: number): void {
    if (this.#moved(count)) return
    Atomics.store(this.#words, sleeps, 1)
    if (!this.#moved(count)) Atomics.wait(this.#words, sleeps, 1)
  }

  #moved(count: number): boolean {
    const seen = this.#other
    this.#other = Atomics.load(this.#words, count)
    return this.#other !== seen
  }
}
