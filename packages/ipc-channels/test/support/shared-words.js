import { Semaphore } from '@heddle/sync-primitives'

export function sharedWords(count) {
  return new Int32Array(new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT))
}

const hasWaiters = (handle) => Semaphore.fromHandle(handle).getState().contended

export function hasWaitingGetters(queue) {
  return hasWaiters(queue.toHandle().filledSlots)
}

export function hasWaitingPutters(queue) {
  return hasWaiters(queue.toHandle().freeSlots)
}

export function wordsOf(queue) {
  return new Int32Array(queue.toHandle().buffer)
}
