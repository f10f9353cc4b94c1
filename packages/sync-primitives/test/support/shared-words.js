const wordsPerSlot = 8

export function sharedWords(count) {
  return new Int32Array(new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT))
}

export function wordsUnder(object) {
  const { buffer, index } = object.toHandle()
  return { words: new Int32Array(buffer), tag: index, state: index + 1 }
}

export function stateOf(object) {
  const { words, state } = wordsUnder(object)
  return Atomics.load(words, state)
}

export function hasWaiters(object) {
  return object.getState().contended
}

export function lineUnder(object) {
  const { words, state } = wordsUnder(object)
  const lock = object.toHandle().kind.endsWith('Mutex') ? state + 1 : state
  return {
    words,
    lock,
    total: lock + 1,
    next: lock + 3,
    heldBy: (slot) => lock + 7 + (slot - 1) * wordsPerSlot + 1,
  }
}

export function ticketsOf(object) {
  const { words, next } = lineUnder(object)
  return Atomics.load(words, next)
}
