import { SharedDict } from '@heddle/shared-memory'

const signal = { name: 'killed' }
const heapStart = 64

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

const memories = new Map()
globalThis[Symbol.for('heddle.memories')].set('crash-test', ({ id }) => memories.get(id))

// The words: 0 the first free one, 1 the next participant, then what was allocated.
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
    return {
      words,
      participant,
      slots: 255,
      highestSlotIndex: 2,
      identity: raw.subarray(4, 8),
      isClosed: false,
      allocate(count) {
        const size = Math.ceil(count / 16) * 16
        const index = raw[0]
        if (index + size > raw.length) return -1
        spend()
        raw[0] += size
        return index
      },
      isAllocated: (index) => index >= heapStart && index < raw[0] && index % 16 === 0,
      isDead: (other) => other < raw[1] - 1,
      wait() {
        throw new Error('nobody is alive that could be waited for')
      },
      waitAsync() {
        throw new Error('nobody is alive that could be waited for')
      },
      notify() {},
      setAwaited() {},
      awaitedBy: () => 0,
      threadIdOf: () => undefined,
      toHandle: () => ({ memory: 'crash-test' }),
    }
  }

  #open(words, index) {
    const id = {}
    memories.set(id, this.participant(words))
    try {
      return SharedDict.fromHandle({ memory: 'crash-test', id, kind: 'shared-memory/SharedDict', version: 1, index })
    } finally {
      memories.delete(id)
    }
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

const states = ['', 'free', 'used', 'live', 'claim', 'volatile', 'end']
const storeAt = 1
const dictAt = storeAt + 135

export function audit(raw, index) {
  const check = (condition, message) => {
    if (!condition) throw new Error(message)
  }
  const root = index + storeAt
  const count = { free: 0, used: 0, live: 0, claim: 0, volatile: 0, end: 0, words: 0 }
  const free = new Set()
  const linked = new Set()
  const entries = new Set()
  const tables = []
  check(raw[root + 1] % 2 === 0, 'the sequence is odd')
  check(raw[root] === 0, 'the lock is taken')
  for (let slot = 0; slot < 32; slot++) {
    const chunk = raw[root + 5 + slot]
    if (chunk === 0) continue
    const size = raw[root + 37 + slot]
    check(raw[chunk] === 0x43686e6b && raw[chunk + 1] === root && raw[chunk + 2] === size, 'a chunk is not whole')
    count.words += size
    let before = 0
    let wasFree = false
    const end = chunk + size - 4
    let block = chunk + 4
    for (; block < end; ) {
      const granules = raw[block] >>> 3
      const state = states[raw[block] & 7]
      check(granules > 0 && state && state !== 'end', `a block at ${block} is nothing`)
      check(raw[block + 1] === before, `the block at ${block} does not know the one before it`)
      check(!(wasFree && state === 'free'), `two free blocks meet at ${block}`)
      count[state] += 1
      if (state === 'free') free.add(block)
      if (state === 'live' || state === 'claim') entries.add(block)
      if (state === 'volatile') tables.push(block)
      wasFree = state === 'free'
      before = granules
      block += granules * 4
    }
    check(block === end && raw[end] === 14 && raw[end + 1] === before, 'a chunk does not end')
    count.end += 1
  }
  for (let bin = 0; bin < 64; bin++) {
    let before = 0
    const isFilled = (raw[root + 3 + (bin >> 5)] >>> (bin & 31)) & 1
    check(isFilled === (raw[root + 69 + bin] === 0 ? 0 : 1), `bin ${bin} is not as filled as it says`)
    for (let block = raw[root + 69 + bin]; block !== 0; block = raw[block + 2]) {
      check(free.delete(block), `${block} in bin ${bin} is not free, or is there twice`)
      check(raw[block + 3] === before, `the bin's links do not fit at ${block}`)
      before = block
    }
  }
  check(free.size === 0, 'a free block is in no bin')
  const dict = index + dictAt
  const table = raw[dict + 10]
  const tableBlock = (table >>> 5) * 4
  check(tables.length <= 1 && (tables[0] ?? dict) === tableBlock, 'there is not one table')
  for (let bucket = 0; bucket < 2 ** (table & 31); bucket++)
    for (let entry = raw[tableBlock + 2 + bucket]; entry !== 0; entry = raw[entry + 2]) {
      check(entries.has(entry) && !linked.has(entry), `${entry} is no entry, or is linked twice`)
      check((raw[entry + 3] & (2 ** (table & 31) - 1)) === bucket, `${entry} is in the wrong bucket`)
      linked.add(entry)
    }
  check(linked.size === entries.size, 'an entry is in no bucket')
  check(raw[dict + 11] === count.live, 'the count is wrong')
  check(count.used === 0, 'a block is used by nobody')
  return count
}
