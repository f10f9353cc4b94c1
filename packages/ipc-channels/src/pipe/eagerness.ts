/** About 20 microseconds: longer than it takes to wake a thread that sleeps. */
const mostLooks = 2_000
const leastLooks = 100
/** Of the waits of one who has given up looking, one in so many looks all the same: the times may have changed. */
const waitsBetweenTrials = 32

/**
 * How long a thread that is about to block looks whether the other end does something: to sleep and to be woken takes longer
 * than the other end does, when it runs at this moment. When it does not, as on a machine with more to do than processors, looking
 * takes the time that it needs. So each look in vain makes the next one shorter.
 */
export class Eagerness {
  #looks = mostLooks
  #waits = 0

  /** @returns whether it is there by now */
  lookFor(isThere: () => boolean): boolean {
    if (this.#looks < leastLooks) {
      this.#waits += 1
      if (this.#waits < waitsBetweenTrials) return isThere()
      this.#looks = mostLooks
    }
    this.#waits = 0
    for (let look = 0; look < this.#looks; look++)
      if (isThere()) {
        this.#looks = mostLooks
        return true
      }
    this.#looks >>>= 2
    return false
  }
}
