export class Closable {
  #closed = false
  #looks = 0

  constructor(target) {
    const own = (value) => (typeof value === 'function' ? value.bind(target) : value)
    this.target = target
    this.memory = new Proxy(target, {
      get: (_, key) => (key === 'isClosed' ? this.#look() : own(Reflect.get(target, key, target))),
    })
  }

  leave() {
    this.#closed = true
  }

  takeAway() {
    this.leave()
    this.target.words.fill(0)
  }

  takeAwayAfterLooks(looks) {
    this.#looks = looks
  }

  #look() {
    if (this.#closed) return true
    if (this.#looks > 0 && --this.#looks === 0) this.takeAway()
    return false
  }
}
