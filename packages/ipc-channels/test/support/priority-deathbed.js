import { ThreadSafePriorityQueue } from '@heddle/ipc-channels'
import { registerMemory } from '@heddle/sync-primitives'

/** Where what was allocated begins. Word 0 is the first free one. */
const heapStart = 64
const slots = 255

const memories = new Map()
registerMemory('priority-deathbed', ({ id }) => memories.get(id))

const nobodyLives = () => {
  throw new Error('nobody is alive that could be waited for')
}

const death = { name: 'death' }
/** How many stores are left to who is about to die. */
let budget = Number.POSITIVE_INFINITY
const targets = new WeakMap()

function spend() {
  if (budget <= 0) throw death
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
  const proxy = new Proxy(raw, {
    get(_, name) {
      const found = raw[name]
      return typeof found === 'function' ? found.bind(raw) : found
    },
    set(_, at, value) {
      spend()
      raw[at] = value
      return true
    },
  })
  targets.set(proxy, raw)
  return proxy
}

/** No two that follow each other closely are the same: a number has a slot from 1 to 255. */
let participants = 0
const nextParticipant = () => (participants++ % slots) + 1

export class PriorityDeathbed {
  constructor(words) {
    this.raw = new Int32Array(new SharedArrayBuffer(words * 4))
    this.raw[0] = heapStart
    this.memory = this.#participant(this.raw)
  }

  copy() {
    const copy = new PriorityDeathbed(this.raw.length)
    copy.raw.set(this.raw)
    return copy
  }

  heirOf(index) {
    return this.#open(this.raw, index)
  }

  cutOff(index, stores, operation) {
    globalThis.Atomics = counted
    try {
      const queue = this.#open(countedWords(this.raw), index)
      budget = stores
      operation(queue)
      return true
    } catch (error) {
      if (error !== death) throw error
      return false
    } finally {
      budget = Number.POSITIVE_INFINITY
      globalThis.Atomics = original
    }
  }

  #open(words, index) {
    const id = {}
    memories.set(id, this.#participant(words))
    const kind = 'ipc-channels/ThreadSafePriorityQueue'
    try {
      return ThreadSafePriorityQueue.fromHandle({ kind, version: 1, memory: 'priority-deathbed', id, index })
    } finally {
      memories.delete(id)
    }
  }

  #participant(words) {
    const { raw } = this
    const participant = nextParticipant()
    return {
      words,
      participant,
      slots,
      highestSlotIndex: 2,
      identity: raw.subarray(4, 8),
      isClosed: false,
      allocate(count) {
        const index = raw[0]
        const end = index + Math.ceil(count / 16) * 16
        if (end > raw.length) return -1
        raw[0] = end
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
      toHandle: () => ({ memory: 'priority-deathbed' }),
    }
  }
}
