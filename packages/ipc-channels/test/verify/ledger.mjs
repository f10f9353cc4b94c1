// What those who use a queue in a storm have done for sure, in shared words that survive them.

/** For all: 1 while nobody shall put. */
const PAUSED = 0
const headWords = 16
/** Of each one who takes part. */
const COMMAND = 0
const STEPS = 1
const IDLE = 2
const INCARNATION = 3
const ACCEPTED = 4
const BASE = 5
const HOLDING = 6
const lineWords = 16
/** Items of one producer between two audits. */
const windowBytes = 4_096
export const most = 4

export const ledgerWords = (slots) => headWords + slots * (lineWords + windowBytes / 4)

/** The ledger as one who takes part sees it; `slot` is its own line. */
export class Ledger {
  #words
  #bytes
  #base
  #slots
  #line
  #slot
  /** Of each producer that it has got something from, by incarnation. */
  #last = new Map()

  /** @param words - the memory's real ones */
  constructor(words, base, slots, slot) {
    this.#words = words
    this.#base = base
    this.#slots = slots
    this.#slot = slot
    this.#line = this.lineOf(slot)
    this.#bytes = new Uint8Array(
      words.buffer,
      words.byteOffset + (base + headWords + slots * lineWords) * 4,
      slots * windowBytes,
    )
  }

  lineOf(slot) {
    return this.#base + headWords + slot * lineWords
  }

  /** A line for somebody new. */
  begin(slot, incarnation) {
    this.#words.fill(0, this.lineOf(slot), this.lineOf(slot) + lineWords)
    this.#bytes.fill(0, slot * windowBytes, (slot + 1) * windowBytes)
    this.#words[this.lineOf(slot) + INCARNATION] = incarnation
  }

  pause(isPaused) {
    Atomics.store(this.#words, this.#base + PAUSED, isPaused ? 1 : 0)
  }

  isIdle(slot) {
    return Atomics.load(this.#words, this.lineOf(slot) + IDLE) === 1
  }

  dieAt(slot, steps) {
    this.#words[this.lineOf(slot) + STEPS] = steps
    Atomics.store(this.#words, this.lineOf(slot) + COMMAND, 1)
  }

  /** In how many steps this one shall die; undefined: nobody has said so. */
  get stepsToLive() {
    const { isTold } = this
    return isTold ? this.#words[this.#line + STEPS] : undefined
  }

  get isTold() {
    return Atomics.exchange(this.#words, this.#line + COMMAND, 0) === 1
  }

  /** Whether a producer may put: nobody has said pause, and its window has room. */
  mayPut() {
    const words = this.#words
    const line = this.#line
    const isFull =
      Atomics.load(words, line + ACCEPTED) - Atomics.load(words, line + BASE) > windowBytes - 2 * most ||
      Atomics.load(words, this.#base + PAUSED) === 1
    Atomics.store(words, line + IDLE, isFull ? 1 : 0)
    // Once more: the pause may have begun in between.
    return !isFull && Atomics.load(words, this.#base + PAUSED) === 0
  }

  nextItems(count) {
    const first = this.#words[this.#line + ACCEPTED]
    return Array.from({ length: count }, (_, n) => this.#item(first + n))
  }

  #item(number) {
    const incarnation = this.#words[this.#line + INCARNATION]
    return { slot: this.#slot, incarnation, number, filling: fillingOf(incarnation, number) }
  }

  /** Up to so many items are on their way into the queue, or out of it, from now on. */
  holds(count) {
    Atomics.store(this.#words, this.#line + HOLDING, count)
  }

  /** So many of the next items were put. */
  accepted(count) {
    Atomics.add(this.#words, this.#line + ACCEPTED, count)
    this.holds(0)
  }

  /** Notes what was got, in its order. @returns what is wrong with it, or undefined */
  got(items) {
    for (const item of items) {
      const { slot, incarnation, number, filling } = item ?? {}
      const isWhole =
        slot >= 0 &&
        slot < this.#slots &&
        incarnation === this.#words[this.lineOf(slot) + INCARNATION] &&
        filling === fillingOf(incarnation, number)
      if (!isWhole) return `torn: ${JSON.stringify(item)?.slice(0, 200)}`
      const last = this.#last.get(incarnation) ?? -1
      if (number <= last) return `producer ${incarnation}: item ${number} after ${last}`
      this.#last.set(incarnation, number)
      if (Atomics.add(this.#bytes, slot * windowBytes + (number % windowBytes), 1) !== 0)
        return `producer ${incarnation}: item ${number} came twice`
    }
    return undefined
  }

  /**
   * What producers and consumers have noted since the last time, when nothing is under way; the dead have taken at most what
   * they were getting, and have put at most what they were putting.
   *
   * @param puts, takes - what the queue has counted since
   * @param producers, consumers - all of them, `isDead` or not
   */
  audit({ puts, takes, producers, consumers }) {
    const words = this.#words
    const wrong = []
    let [accepted, inFlight, delivered, missing] = [0, 0, 0, 0]
    for (const { slot, isDead, incarnation } of producers) {
      const line = this.lineOf(slot)
      const [base, end] = [words[line + BASE], words[line + ACCEPTED]]
      const underWay = isDead ? words[line + HOLDING] : 0
      accepted += end - base
      inFlight += underWay
      let highest = end
      const seen = (number) => this.#bytes[slot * windowBytes + (number % windowBytes)]
      for (let number = base; number < base + windowBytes; number++) {
        if (seen(number) === 0) continue
        delivered += 1
        if (seen(number) > 1) wrong.push(`producer ${incarnation}: item ${number} came ${seen(number)} times`)
        if (number >= end + underWay) wrong.push(`producer ${incarnation}: item ${number} came and was never put`)
        highest = Math.max(highest, number + 1)
      }
      for (let number = base; number < highest; number++) if (seen(number) === 0) missing += 1
      words[line + BASE] = end
      this.#bytes.fill(0, slot * windowBytes, (slot + 1) * windowBytes)
    }
    const held = consumers
      .filter(({ isDead }) => isDead)
      .reduce((sum, { slot }) => sum + words[this.lineOf(slot) + HOLDING], 0)
    const lost = takes - delivered
    if (puts < accepted || puts > accepted + inFlight)
      wrong.push(`${puts} were put; ${accepted} calls had returned, and ${inFlight} were under way at a death`)
    if (puts !== takes) wrong.push(`${puts} were put, and ${takes} were taken`)
    if (lost < 0 || lost > held) wrong.push(`${takes} were taken and ${delivered} noted; the dead were getting ${held}`)
    if (missing > held) wrong.push(`${missing} are missing; the dead were getting ${held}`)
    return { wrong, lost, delivered }
  }
}

/** Its length tells its number: a torn one is seen. */
const fillingOf = (incarnation, number) => `${(number + incarnation) % 10}`.repeat((number * 7) % 190)
