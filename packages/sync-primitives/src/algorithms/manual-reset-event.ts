import { checkpoint, compareExchange, EVERYBODY, GAVE_UP, load, notify, type Steps, wait } from '../steps.js'

/**
 * The word of an event that lets everybody through while it is set.
 *
 * bit 0    · SET      · whoever waits goes through
 * bit 1    · WAITERS  · somebody may be asleep
 * bits 2 … · SEQUENCE · counts how often it was set
 *
 * Invariant: SEQUENCE counts with each change from not set to set, in the same step. So a thread that was asleep when that
 * happened goes through, also if the event was reset before it could look.
 * Source: the sequence count of a condition variable on a futex; Ulrich Drepper, "Futexes Are Tricky", section 8,
 * https://www.akkadia.org/drepper/futex.pdf
 */
export const SET = 1
const WAITERS = 2
const ONE_MORE = 4

const sequenceOf = (word: number): number => word >> 2

/** Waits until the event is set, or was while this waited; false: gave up. */
export function* waitForEvent(index: number): Steps<boolean> {
  const before = sequenceOf(yield load(index))
  for (;;) {
    yield checkpoint(['wait for event', before])
    const seen = yield load(index)
    if (seen & SET || sequenceOf(seen) !== before) return true
    const contended = seen | WAITERS
    if (seen !== contended && (yield compareExchange(index, seen, contended)) !== seen) continue
    if ((yield wait(index, contended)) === GAVE_UP) {
      // It may have been set while the wait was being given up: then nothing was given up.
      const now = yield load(index)
      return (now & SET) !== 0 || sequenceOf(now) !== before
    }
  }
}

/** Sets the event and wakes everybody. */
export function* setEvent(index: number): Steps<void> {
  for (;;) {
    const seen = yield load(index)
    if (seen & SET) return
    if ((yield compareExchange(index, seen, ((seen & ~WAITERS) + ONE_MORE) | SET)) !== seen) continue
    if (seen & WAITERS) yield notify(index, EVERYBODY)
    return
  }
}

/** From now on whoever comes waits. */
export function* resetEvent(index: number): Steps<void> {
  for (;;) {
    const seen = yield load(index)
    if (!(seen & SET) || (yield compareExchange(index, seen, seen & ~SET)) === seen) return
  }
}
