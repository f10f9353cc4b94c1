// Messages that tell whether they are whole, and whether they come in order.
const fillingOf = (from, number, longest) => `${(number + from) % 10}`.repeat((number * 37) % longest)

/** @param longest - of its filling, that is: some are longer than a pipe */
export const messageOf = (from, number, longest) => ({
  from,
  number,
  longest,
  filling: fillingOf(from, number, longest),
})

export const isWhole = (message) =>
  message?.filling !== undefined && message.filling === fillingOf(message.from, message.number, message.longest)

/** Of each sender the messages come with growing numbers. */
export class OrderCheck {
  #last = new Map()
  #isLossless

  /** @param isLossless - none is left out, but for those before the first one */
  constructor(isLossless = true) {
    this.#isLossless = isLossless
  }

  /** @returns what is wrong, or undefined */
  next({ from, number }) {
    const last = this.#last.get(from)
    this.#last.set(from, number)
    if (last === undefined) return undefined
    const isNext = this.#isLossless ? number === last + 1 : number > last
    return isNext ? undefined : `message ${number} of ${from} after ${last}`
  }

  /** How many have come of it, if the first one was its first. */
  countOf(from) {
    return (this.#last.get(from) ?? -1) + 1
  }
}
