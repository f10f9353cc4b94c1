import { checkpoint, compareExchange, EVERYBODY, GAVE_UP, load, notify, type Steps, wait } from '../steps.js'

/**
 * The word of a latch.
 *
 * bit 0    · WAITERS · somebody may be asleep
 * bits 1 … · COUNT   · what is still to be counted down; at 0 the latch is open for ever
 *
 * Invariant: COUNT never grows and is never negative.
 * Invariant: while a thread sleeps on the word, WAITERS is set, or the step that has made COUNT 0 wakes everybody.
 * Source: `std::latch` of C++20, https://eel.is/c++draft/thread.latch
 */
const WAITERS = 1
const countShift = 1
export const mostCount = 2 ** 30 - 1

export const countOf = (word: number): number => word >> countShift
export const wordFor = (count: number): number => count << countShift

/** Counts down. Returns the count after it; -1: that would be less than 0, and nothing was changed. */
export function* countDown(index: number, by: number): Steps<number> {
  for (;;) {
    const seen = yield load(index)
    const left = countOf(seen) - by
    if (left < 0) return -1
    if ((yield compareExchange(index, seen, left === 0 ? 0 : wordFor(left) | (seen & WAITERS))) !== seen) continue
    if (left === 0 && seen & WAITERS) yield notify(index, EVERYBODY)
    return left
  }
}

/** Waits until the count is 0; false: gave up. */
export function* waitForLatch(index: number): Steps<boolean> {
  for (;;) {
    yield checkpoint('wait for latch')
    const seen = yield load(index)
    if (countOf(seen) === 0) return true
    const contended = seen | WAITERS
    if (seen !== contended && (yield compareExchange(index, seen, contended)) !== seen) continue
    if ((yield wait(index, contended)) === GAVE_UP) return countOf(yield load(index)) === 0
  }
}
