import { SharedDict } from '@heddle/shared-memory'
import { heapStart, openIn, pretendedMemory } from './pretended-memory.js'

const signal = { name: 'killed' }

/** What is left of each kill: how many stores it may still do. None at all when it is negative. */
let budget = Number.POSITIVE_INFINITY
const targets = new WeakMap()

function spend() {
  if (budget <= 0) throw signal
  budget -= 1
}

const original = globalThis.Atomics
const writing = new Set(['store', 'add', 'sub', 'and', 'or', 'xor', 'exchange', 'compareExchange'])
const counted = Object.create(original)
for (const name of Object.getOwnPropertyNames(original)) {
  const method = original[name]
  counted[name] = (words, ...rest) => {
    if (writing.has(name)) spend()
    return method.call(original, targets.get(words) ?? words, ...rest)
  }
}

function countedWords(raw) {
  // Of many words at once the store in the middle stands for all.
  const methods = {
    fill(value, begin, end) {
      const middle = (begin + end) >>> 1
      spend()
      raw.fill(value, begin, middle)
      spend()
      raw.fill(value, middle, end)
      return proxy
    },
    set(from, offset) {
      const middle = from.length >>> 1
      spend()
      raw.set(from.subarray(0, middle), offset)
      spend()
      raw.set(from.subarray(middle), offset + middle)
    },
    subarray: (begin, end) => raw.subarray(begin, end),
  }
  const proxy = new Proxy(raw, {
    get: (_, name) => (Object.hasOwn(methods, name) ? methods[name] : raw[name]),
    set(_, at, value) {
      spend()
      raw[at] = value
      return true
    },
  })
  targets.set(proxy, raw)
  return proxy
}

/** The words: 0 the first free one, 1 the next participant, then what was allocated. */
export class CrashMemory {
  constructor(words) {
    this.raw = new Int32Array(new SharedArrayBuffer(words * 4))
    this.raw[0] = heapStart
    this.raw[1] = 1
    this.memory = this.participant(this.raw)
  }

  copy() {
    const copy = new CrashMemory(this.raw.length)
    copy.raw.set(this.raw)
    return copy
  }

  participant(words) {
    const { raw } = this
    const participant = raw[1]++
    return pretendedMemory({ raw, words, participant, isDead: (other) => other < raw[1] - 1 })
  }

  #open(words, index) {
    return openIn(this.participant(words), SharedDict, { kind: 'shared-memory/SharedDict', version: 1, index })
  }

  interrupted(index, loads, after, operation) {
    let left = loads
    const look = () => {
      // What another one does must not use this thread's scratches: so it is done already. Under the lock nobody else acts.
      if (left-- === 0 && this.raw[index + 1] === 0) this.raw.set(after.raw)
    }
    const words = new Proxy(this.raw, {
      get: (raw, name) => {
        if (typeof name === 'string' && /^\d/.test(name)) look()
        const found = raw[name]
        return typeof found === 'function' ? found.bind(raw) : found
      },
      set(raw, at, value) {
        raw[at] = value
        return true
      },
    })
    targets.set(words, this.raw)
    globalThis.Atomics = counted
    try {
      const dict = this.#open(words, index)
      left = loads
      return { result: operation(dict), isThrough: left >= 0 }
    } finally {
      globalThis.Atomics = original
    }
  }

  heirOf(index) {
    return this.#open(this.raw, index)
  }

  cutOff(index, stores, operation) {
    globalThis.Atomics = counted
    try {
      const dict = this.#open(countedWords(this.raw), index)
      budget = stores
      operation(dict)
      return true
    } catch (error) {
      if (error !== signal) throw error
      return false
    } finally {
      budget = Number.POSITIVE_INFINITY
      globalThis.Atomics = original
    }
  }
}
