import type { Memory } from '@heddle/sync-primitives'
import {
  checkpoint,
  compareExchange,
  EVERYBODY,
  GAVE_UP,
  load,
  type Steps,
  wait,
} from '@heddle/sync-primitives/building-blocks'

/**
 * An eventcount: the word on which threads sleep until a condition over other words may hold.
 *
 * bit 0      · WAITERS  · somebody may be asleep
 * bits 1…31  · sequence · how often sleepers were woken; it goes round
 *
 * Who waits sets WAITERS, looks at the condition again, and sleeps for as long as the word is what it was. Who makes the
 * condition true looks at the word after it; if WAITERS is set, it takes it away, counts on, and wakes.
 *
 * Invariant: while a thread sleeps here and the condition holds, WAITERS is set and somebody who made it true has not looked
 * yet; or one who was woken will look again, set WAITERS, and wake the next if the condition holds still; or a slice of time
 * ends.
 * Source: the eventcounts of D. P. Reed and R. K. Kanodia, "Synchronization with Eventcounts and Sequencers", 1979,
 * https://doi.org/10.1145/359060.359076
 * Differs: the count moves only when somebody may be asleep, so that a change which nobody waits for costs one load.
 */
const WAITERS = 1

/** Whether somebody may be asleep. */
export function isArmed({ words }: Memory, index: number): boolean {
  return (Atomics.load(words, index) & WAITERS) !== 0
}

/** Wakes up to `count` of those who wait, if there are any. For whoever has made their condition true. */
export function signal(memory: Memory, index: number, count: number): void {
  const { words } = memory
  for (;;) {
    const seen = Atomics.load(words, index)
    if (!(seen & WAITERS)) return
    if (Atomics.compareExchange(words, index, seen, (seen + 1) | 0) !== seen) continue
    memory.notify(index, count)
    return
  }
}

/** Wakes everybody, also those whom a wake-up is on its way to: the condition holds for all from now on. */
export function signalEverybody(memory: Memory, index: number): void {
  const { words } = memory
  for (;;) {
    const seen = Atomics.load(words, index)
    if (Atomics.compareExchange(words, index, seen, ((seen | WAITERS) + 1) | 0) !== seen) continue
    memory.notify(index, EVERYBODY)
    return
  }
}

/**
 * Waits until `attempt` gives a result.
 *
 * @param attempt - undefined: it has to wait. It may throw; the wait is over then
 * @param isMore - whether somebody else who waits might have a result, too
 * @returns undefined: gave up, after a last attempt
 */
export function* waitUntil<Result>(
  memory: Memory,
  index: number,
  attempt: () => Result | undefined,
  isMore: () => boolean,
): Steps<Result | undefined> {
  for (;;) {
    yield checkpoint('wait until')
    const armed = yield* arm(index)
    let result: Result | undefined
    try {
      result = attempt()
    } catch (error) {
      // Its wake-up is used up; who comes next may have better luck.
      if (isMore()) signal(memory, index, 1)
      throw error
    }
    if (result === undefined) {
      if ((yield wait(index, armed)) !== GAVE_UP) continue
      // The wake-up that brought us here may have been the only one, and its sender has taken WAITERS away.
      yield* arm(index)
      result = attempt()
    }
    if (isMore()) signal(memory, index, 1)
    return result
  }
}

/** For `waitUntil`: nobody but this one waits for what it waits for, or all of them are woken each time. */
export function nobodyElse(): boolean {
  return false
}

/** Says that somebody may sleep from now on. Returns the word to sleep for. */
function* arm(index: number): Steps<number> {
  for (;;) {
    const seen = yield load(index)
    if (seen & WAITERS) return seen
    if ((yield compareExchange(index, seen, seen | WAITERS)) === seen) return seen | WAITERS
  }
}
