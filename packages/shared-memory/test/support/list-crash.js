import { SharedList } from '@heddle/shared-memory'
import { registerMemory } from '@heddle/sync-primitives'

const heapStart = 64
const memories = new Map()
registerMemory('list-crash-test', ({ id }) => memories.get(id))

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

export class Deathbed {
  #participants = 1

  constructor(words) {
    this.raw = new Int32Array(new SharedArrayBuffer((words.length ?? words) * 4))
    if (words.length) this.raw.set(words)
    else this.raw[0] = heapStart
    this.memory = this.#participant(this.raw)
  }

  // Word 0 is the first free one; what was allocated begins at heapStart.
  #participant(words) {
    const participant = this.#participants++
    return {
      words,
      participant,
      slots: 255,
      highestSlotIndex: 2,
      identity: this.raw.subarray(4, 8),
      isClosed: false,
      allocate(count) {
        const size = Math.ceil(count / 16) * 16
        const index = words[0]
        if (index + size > words.length) return -1
        words[0] = index + size
        return index
      },
      isAllocated: (index) => index >= heapStart && index < words[0] && index % 16 === 0,
      isDead: (other) => other !== participant,
      wait: nobodyLives,
      waitAsync: nobodyLives,
      notify() {},
      setAwaited() {},
      awaitedBy: () => 0,
      threadIdOf: () => undefined,
      toHandle: () => ({ memory: 'list-crash-test' }),
    }
  }

  copy(stores = []) {
    const copy = new Deathbed(this.raw)
    for (const [index, value] of stores) copy.raw[index] = value
    copy.#participants = this.#participants + 1
    return copy
  }

  #open(words, handle) {
    const id = {}
    memories.set(id, this.#participant(words))
    try {
      return SharedList.fromHandle({ ...handle, id })
    } finally {
      memories.delete(id)
    }
  }

  heirOf(handle) {
    return this.#open(this.raw, handle)
  }

  record(handle, operation) {
    const log = []
    globalThis.Atomics = recordingAtomics
    try {
      operation(this.#open(recorded(this.raw, log), handle))
    } finally {
      globalThis.Atomics = original
    }
    return log
  }
}

const [FREE, LIVE, END] = [1, 3, 6]
const storeAt = 1
const tableAt = storeAt + 135

export function auditList(raw, index) {
  const check = (condition, message) => {
    if (!condition) throw new Error(message)
  }
  const root = index + storeAt
  check(raw[root] === 0, 'the lock is taken')
  check(raw[root + 1] % 2 === 0, 'the sequence is odd')
  const free = new Set()
  const live = new Set()
  let chunkWords = 0
  for (let slot = 0; slot < 32; slot++) {
    const chunk = raw[root + 5 + slot]
    if (chunk === 0) continue
    chunkWords += raw[root + 37 + slot]
    let before = 0
    let wasFree = false
    let block = chunk + 4
    for (; (raw[block] & 7) !== END; block += before * 4) {
      const state = raw[block] & 7
      check(state === FREE || state === LIVE, `the block at ${block} is in state ${state}`)
      check(raw[block + 1] === before, `the block at ${block} does not know the one before it`)
      check(!(wasFree && state === FREE), `two free blocks meet at ${block}`)
      wasFree = state === FREE
      ;(wasFree ? free : live).add(block)
      before = raw[block] >>> 3
    }
    check(block === chunk + raw[root + 37 + slot] - 4 && raw[block + 1] === before, 'a chunk does not end')
  }
  for (let bin = 0; bin < 64; bin++) {
    const isFilled = (raw[root + 3 + (bin >> 5)] >>> (bin & 31)) & 1
    check(isFilled === (raw[root + 69 + bin] === 0 ? 0 : 1), `bin ${bin} is not as filled as it says`)
    for (let block = raw[root + 69 + bin]; block !== 0; block = raw[block + 2])
      check(free.delete(block), `${block} in bin ${bin} is not free, or is there twice`)
  }
  check(free.size === 0, 'a free block is in no bin')
  const table = raw[index + tableAt]
  if (table !== 0) {
    check(live.delete(table), 'the table is no block')
    const capacity = ((raw[table] >>> 3) * 4 - 3) >>> 1
    const places = table + 3 + (raw[table + 2] & 1) * capacity
    for (let place = 0; place < raw[table + 2] >>> 1; place++)
      check(live.delete(raw[places + place]), `element ${place} is no block, or in the list twice`)
  }
  check(live.size === 0, 'a block is neither the table nor an element')
  return chunkWords
}
