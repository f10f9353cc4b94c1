import { heapStart, openIn, pretendedMemory } from './pretended-memory.js'

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

/** No two that follow each other closely are the same: a number has a slot from 1 to 255. */
let participants = 0
const nextParticipant = () => (participants++ % 255) + 1

export class Deathbed {
  #Class

  constructor(Class, words) {
    this.#Class = Class
    this.raw = new Int32Array(new SharedArrayBuffer((words.length ?? words) * 4))
    if (words.length) this.raw.set(words)
    else this.raw[0] = heapStart
    this.memory = this.#participant(this.raw)
  }

  #participant(words) {
    const participant = nextParticipant()
    return pretendedMemory({ raw: this.raw, words, participant, isDead: (other) => other !== participant })
  }

  copy(stores = []) {
    const copy = new Deathbed(this.#Class, this.raw)
    for (const [index, value] of stores) copy.raw[index] = value
    return copy
  }

  heirOf(handle) {
    return openIn(this.#participant(this.raw), this.#Class, handle)
  }

  record(handle, operation) {
    const log = []
    globalThis.Atomics = recordingAtomics
    try {
      operation(openIn(this.#participant(recorded(this.raw, log)), this.#Class, handle))
    } finally {
      globalThis.Atomics = original
    }
    return log
  }
}
