export function sharedWords(count) {
  return new Int32Array(new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT))
}

/** The lowest bit of a semaphore's first state word is set while somebody may sleep on it. */
function hasWaiters({ buffer, index }) {
  return (Atomics.load(new Int32Array(buffer), index + 1) & 1) === 1
}

export function hasWaitingGetters(queue) {
  return hasWaiters(queue.toHandle().filledSlots)
}

export function hasWaitingPutters(queue) {
  return hasWaiters(queue.toHandle().freeSlots)
}

export function wordsOf(queue) {
  return new Int32Array(queue.toHandle().buffer)
}
