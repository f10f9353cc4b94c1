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
  return (stateOf(object) & 1) === 1
}
