import { checkpoint, compareExchange, GAVE_UP, load, notify, type Steps, wait } from '../steps.js'

/**
 * The word of an event that lets one waiter through each time it is set.
 *
 * bit 0 · SET     · the next one who waits goes through
 * bit 1 · WAITERS · somebody may be asleep
 *
 * Invariant: while a thread sleeps on the word, either WAITERS is set, or a thread that was woken will look again and, if it
 * goes back to sleep or goes through, set WAITERS.
 * Source: the binary semaphore of a mutex, see `mutex.ts`, with its values the other way round and without an owner.
 */
export const SET = 1
export const WAITERS = 2

/**
 * Uses up the signal, or waits for one; false: gave up, and a signal that is there stays.
 *
 * @param hasSlept - whether its caller has slept on the word already
 */
export function* takeSignal(index: number, hasSlept = false): Steps<boolean> {
  let waiters = hasSlept ? WAITERS : 0
  for (;;) {
    yield checkpoint(['take signal', waiters])
    const seen = yield load(index)
    if (seen & SET) {
      if ((yield compareExchange(index, seen, (seen & ~SET) | waiters)) === seen) return true
      continue
    }
    if (seen !== WAITERS && (yield compareExchange(index, seen, WAITERS)) !== seen) continue
    if ((yield wait(index, WAITERS)) === GAVE_UP) {
      // The wake-up that brought us here may have been the only one, and its sender has cleared WAITERS.
      yield notify(index, 1)
      return false
    }
    waiters = WAITERS
  }
}

/** Gives a signal, unless there is one already. */
export function* giveSignal(index: number): Steps<void> {
  for (;;) {
    const seen = yield load(index)
    if (seen & SET) return
    if ((yield compareExchange(index, seen, SET)) !== seen) continue
    if (seen & WAITERS) yield notify(index, 1)
    return
  }
}

/** Takes a signal away if there is one. Returns whether there was. */
export function* removeSignal(index: number): Steps<boolean> {
  for (;;) {
    const seen = yield load(index)
    if (!(seen & SET)) return false
    if ((yield compareExchange(index, seen, seen & ~SET)) === seen) return true
  }
}
