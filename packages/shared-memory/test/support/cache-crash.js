import { ThreadSafeCache } from '@heddle/shared-memory'
import { registerMemory } from '@heddle/sync-primitives'
import { audit } from './crash.js'

const heapStart = 64
const memories = new Map()
registerMemory('cache-crash-test', ({ id }) => memories.get(id))

const original = globalThis.Atomics
const recordings = new WeakMap()

/** The same words; each change of one is put into `log`. */
function recorded(raw, log) {
  const put = (index, value) => {
    raw[index] = value
    log.push([index, raw[index]])
  }
  const methods = {
    fill(value, begin, end) {
      for (let index = begin; index < end; index++) put(index, value)
    },
    set(from, offset) {
      for (const [at, value] of Array.from(from).entries()) put(offset + at, value)
    },
    subarray: (begin, end) => raw.subarray(begin, end),
  }
  const words = new Proxy(raw, {
    get: (_, name) => (Object.hasOwn(methods, name) ? methods[name] : raw[name]),
    set(_, index, value) {
      put(Number(index), value)
      return true
    },
  })
  recordings.set(words, { raw, log })
  return words
}

const recordingAtomics = Object.create(original)
for (const name of Object.getOwnPropertyNames(original)) {
  const method = original[name]
  recordingAtomics[name] = (words, index, ...rest) => {
    const recording = recordings.get(words)
    if (!recording) return method.call(original, words, index, ...rest)
    const before = recording.raw[index]
    const result = method.call(original, recording.raw, index, ...rest)
    if (name === 'store' || recording.raw[index] !== before) recording.log.push([index, recording.raw[index]])
    return result
  }
}

const nobodyLives = () => {
  throw new Error('nobody is alive that could be waited for')
}

/** No two that follow each other closely are the same: a number has a slot from 1 to 255. */
let participants = 0
const nextParticipant = () => (participants++ % 255) + 1

export class CacheCrash {
  constructor(words) {
    this.raw = new Int32Array(new SharedArrayBuffer((words.length ?? words) * 4))
    if (words.length) this.raw.set(words)
    else this.raw[0] = heapStart
    this.memory = this.#memory(this.raw)
  }

  copy(stores = []) {
    const copy = new CacheCrash(this.raw)
    for (const [index, value] of stores) copy.raw[index] = value
    return copy
  }

  #memory(words) {
    const { raw } = this
    const participant = nextParticipant()
    return {
      words,
      participant,
      slots: 255,
      highestSlotIndex: 2,
      identity: raw.subarray(4, 8),
      isClosed: false,
      allocate(count) {
        const index = raw[0]
        const end = index + Math.ceil(count / 16) * 16
        if (end > raw.length) return -1
        words[0] = end
        return index
      },
      isAllocated: (index) => index >= heapStart && index < raw[0] && index % 16 === 0,
      isDead: (other) => other !== participant,
      wait: nobodyLives,
      waitAsync: nobodyLives,
      notify() {},
      setAwaited() {},
      awaitedBy: () => 0,
      threadIdOf: () => undefined,
      toHandle: () => ({ memory: 'cache-crash-test' }),
    }
  }

  #open(handle, words) {
    const id = {}
    memories.set(id, this.#memory(words))
    try {
      return ThreadSafeCache.fromHandle({ ...handle, id })
    } finally {
      memories.delete(id)
    }
  }

  heirOf(handle) {
    return this.#open(handle, this.raw)
  }

  record(handle, operation) {
    const log = []
    globalThis.Atomics = recordingAtomics
    try {
      operation(this.#open(handle, recorded(this.raw, log)))
    } finally {
      globalThis.Atomics = original
    }
    return log
  }
}

const storeAt = 1
const dictAt = storeAt + 135
const cacheAt = dictAt + 15
const tailWords = 5

const float = new Float64Array(1)
const floatWords = new Int32Array(float.buffer)

function keyWords(form) {
  const units = form >>> 2
  return (form & 3) === 0 ? (units + 3) >> 2 : (form & 3) === 1 ? (units + 1) >> 1 : 2
}

function readEntry(raw, entry) {
  const tail = entry + (raw[entry] >>> 3) * 4 - tailWords
  const count = ((raw[entry + 6] >>> 1) + 3) >>> 2
  const begin = raw[entry + 6] & 1 ? tail - count - 2 : entry + 9 + keyWords(raw[entry + 5])
  floatWords[0] = raw[begin + count]
  floatWords[1] = raw[begin + count + 1]
  return {
    tail,
    expiry: float[0],
    used: keyWords(raw[entry + 5]) + count,
    order: (raw[entry + 8] >>> 11) * 2 ** 32 + (raw[entry + 7] >>> 0),
  }
}

export function auditCache(raw, index) {
  const check = (condition, message) => {
    if (!condition) throw new Error(message)
  }
  const counts = audit(raw, index)
  const root = index + cacheAt
  const seen = new Set()
  let used = 0
  let expiring = 0
  let before = 0
  let order = -1
  for (let entry = raw[root + 1]; entry !== 0; ) {
    const { tail, expiry, used: words, order: now } = readEntry(raw, entry)
    check(!seen.has(entry), `${entry} is twice in the list`)
    check((raw[entry] & 7) === 3, `${entry} in the list is not live`)
    check(raw[tail] === before, `${entry} does not know which one is older`)
    check(now > order, `${entry} is in the wrong place of the list`)
    seen.add(entry)
    used += words
    if (expiry !== 0) expiring += 1
    order = now
    before = entry
    entry = raw[tail + 1]
  }
  check(raw[root] === before, 'the newest entry is not the last one')
  check(seen.size === counts.live, 'an entry is in no list')
  check(raw[root + 3] === used, 'the sum of words is wrong')
  let inHeap = 0
  const visit = (entry, before, least) => {
    for (let previous = before; entry !== 0; ) {
      const { tail, expiry } = readEntry(raw, entry)
      check(seen.has(entry) && expiry !== 0 && expiry >= least, `${entry} is in the wrong place of the heap`)
      check(raw[tail + 4] === previous, `${entry} does not know what is before it in the heap`)
      check(++inHeap <= expiring, 'the heap does not end')
      visit(raw[tail + 2], entry, expiry)
      previous = entry
      entry = raw[tail + 3]
    }
  }
  visit(raw[root + 2], 0, 0)
  check(inHeap === expiring, 'an entry that expires is in no heap')
  return counts
}
