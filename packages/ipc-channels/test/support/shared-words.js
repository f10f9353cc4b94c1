import { ThreadMemory } from '@heddle/sync-primitives'

export function sharedWords(count) {
  return new Int32Array(new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT))
}

/** The words of a queue in thread memory, from its tag on: their order stands in src/ring/layout.ts. */
export function wordsOf(queue) {
  const { buffer, index } = queue.toHandle()
  return ThreadMemory.of(buffer).words.subarray(index)
}

const isArmed = (queue, word) => (Atomics.load(wordsOf(queue), word) & 1) === 1

export function hasWaitingGetters(queue) {
  return isArmed(queue, 4)
}

export function hasWaitingPutters(queue) {
  return isArmed(queue, 5)
}
