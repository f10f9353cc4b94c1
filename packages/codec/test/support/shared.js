// Two kinds of shared object, entered as every package of the family enters its own. Plain JavaScript: the fixtures load it too.
const registry = Symbol.for('heddle.kinds')
globalThis[registry] ??= new Map()

function refuse(message) {
  throw Object.assign(new TypeError(message), { code: 'ERR_BAD_HANDLE' })
}

/** A number in memory that threads share. */
export class Box {
  #word

  constructor(buffer = new SharedArrayBuffer(4)) {
    this.#word = new Int32Array(buffer)
  }

  static fromHandle(handle) {
    if (!(handle.words?.byteLength === 4)) refuse('not a handle of a Box')
    return new Box(handle.words)
  }

  toHandle() {
    return { kind: 'codec-test/Box', version: 1, words: this.#word.buffer }
  }

  get value() {
    return Atomics.load(this.#word, 0)
  }

  increment() {
    return Atomics.add(this.#word, 0, 1) + 1
  }
}

/** A name for something that any process can find. */
export class Token {
  #id

  constructor(id) {
    this.#id = id
  }

  static fromHandle(handle) {
    if (typeof handle.id !== 'string') refuse('not a handle of a Token')
    return new Token(handle.id)
  }

  toHandle() {
    return { kind: 'codec-test/Token', version: 1, id: this.#id }
  }

  get id() {
    return this.#id
  }
}

for (const shared of [Box, Token]) {
  globalThis[registry].set(`codec-test/${shared.name}`, { version: 1, fromHandle: shared.fromHandle })
}
