import {
  type CheckpointValue,
  checkpoint,
  compareExchange,
  EVERYBODY,
  exchange,
  GAVE_UP,
  isDead,
  load,
  notify,
  type Steps,
  wait,
  waitBriefly,
} from '../steps.js'

/**
 * The state word of a mutex.
 *
 * value             · name            · meaning
 * 0                 · FREE            · nobody holds it; a sleeper that was woken may still have to look
 * bit 0             · WAITERS         · somebody may be asleep
 * bit 1             · OWNER_DIED      · a former owner died and the one who holds it now has not marked it consistent
 * bits 2 to 29      · participant     · who holds it: slot and generation
 * -1                · NOT_RECOVERABLE · it was released without being made consistent: nobody gets it any more
 * -2                · FAIR            · not used: the mutex is fair, and its state is a permit line behind this word
 *
 * Invariant: while a thread sleeps on the word, either WAITERS is set, or a thread that was woken will look again and, if it
 * goes back to sleep or takes the lock, set WAITERS.
 * Invariant: the word of an owner that died stays as it was until one thread, and only one, has taken the lock over.
 * Source: Ulrich Drepper, "Futexes Are Tricky", mutex 3, https://www.akkadia.org/drepper/futex.pdf; the rules of owner death
 * are those of POSIX robust mutexes, https://pubs.opengroup.org/onlinepubs/9799919799/functions/pthread_mutex_lock.html
 * Differs: the word says who holds the lock, for 9 % more than a plain flag. So misuse is seen, and a waiter that looks after
 * the owner notices its death without any help.
 */
export const FREE = 0
export const WAITERS = 1
export const OWNER_DIED = 2
export const NOT_RECOVERABLE = -1
export const FAIR = -2
const participantShift = 2

/** The word while `participant` holds the lock, nobody sleeps and all is well. */
export const ownedBy = (participant: number): number => participant << participantShift
/** Who holds the lock; 0: nobody. Not for `NOT_RECOVERABLE` and `FAIR`. */
export const ownerOf = (word: number): number => word >>> participantShift

export type Outcome = 'acquired' | 'owner died' | 'not recoverable' | 'gave up'

/** Takes the lock, or waits for it. Between threads there is no order: a late caller may pass one that sleeps. */
export function* acquireMutex(index: number, participant: number): Steps<Outcome> {
  // A thread that has slept takes the lock with WAITERS set: others may be asleep that it cannot see.
  let waiters = 0
  for (;;) {
    yield checkpoint(['acquire', waiters])
    const seen = yield load(index)
    if (seen === FREE) {
      if ((yield compareExchange(index, FREE, ownedBy(participant) | waiters)) === FREE) return 'acquired'
      continue
    }
    if (seen === NOT_RECOVERABLE) return 'not recoverable'
    if (yield isDead(ownerOf(seen))) {
      const mine = ownedBy(participant) | OWNER_DIED | (seen & WAITERS) | waiters
      if ((yield compareExchange(index, seen, mine)) === seen) return 'owner died'
      continue
    }
    const contended = seen | WAITERS
    if (seen !== contended && (yield compareExchange(index, seen, contended)) !== seen) continue
    if ((yield wait(index, contended)) === GAVE_UP) {
      // The wake-up that brought us here may have been the only one, and its sender has cleared WAITERS.
      yield notify(index, 1)
      return 'gave up'
    }
    waiters = WAITERS
  }
}

/** Takes the lock if it is free, or its owner has died. */
export function* tryAcquireMutex(index: number, participant: number): Steps<Outcome> {
  for (;;) {
    const seen = yield load(index)
    if (seen === FREE) {
      if ((yield compareExchange(index, FREE, ownedBy(participant))) === FREE) return 'acquired'
      continue
    }
    if (seen === NOT_RECOVERABLE) return 'not recoverable'
    if (!(yield isDead(ownerOf(seen)))) return 'gave up'
    const mine = ownedBy(participant) | OWNER_DIED | (seen & WAITERS)
    if ((yield compareExchange(index, seen, mine)) === seen) return 'owner died'
  }
}

/** Lets go of a lock that `participant` holds. Returns whether it held it; if not, nothing was changed. */
export function* releaseMutex(index: number, participant: number): Steps<boolean> {
  const seen = yield load(index)
  if (seen < 0 || ownerOf(seen) !== participant) return false
  if (seen & OWNER_DIED) {
    // Nobody will ever hold it again: all who sleep must learn that.
    yield exchange(index, NOT_RECOVERABLE)
    yield notify(index, EVERYBODY)
    return true
  }
  if ((yield exchange(index, FREE)) & WAITERS) yield notify(index, 1)
  return true
}

/** Says that the data is sound again after an owner's death. Returns whether there was anything to say. */
export function* markMutexConsistent(index: number, participant: number): Steps<boolean> {
  for (;;) {
    const seen = yield load(index)
    if (seen < 0 || ownerOf(seen) !== participant || !(seen & OWNER_DIED)) return false
    if ((yield compareExchange(index, seen, seen & ~OWNER_DIED)) === seen) return true
  }
}

/**
 * Takes a lock that guards nothing but some words of an algorithm, in which every change is whole with one store. So the death
 * of its holder leaves nothing to repair, and nobody gives up waiting for it.
 *
 * @param context - what its caller has to remember meanwhile, for the checkpoints
 * @returns whether its holder had died, or left without unlocking: for users whose changes are more than one store
 */
export function* lockBriefly(
  index: number,
  participant: number,
  ...context: readonly CheckpointValue[]
): Steps<boolean> {
  const tookOver = yield* waitForInnerLock(index, participant, context)
  yield checkpoint([...context, 'locked', tookOver])
  return tookOver
}

function* waitForInnerLock(index: number, participant: number, context: readonly CheckpointValue[]): Steps<boolean> {
  let waiters = 0
  for (;;) {
    yield checkpoint([...context, 'locking', waiters])
    const seen = yield load(index)
    if (seen === FREE) {
      if ((yield compareExchange(index, FREE, ownedBy(participant) | waiters)) === FREE) return false
      continue
    }
    // A thread that asks is not inside: it has left by an exception, a stack overflow say. That is as if it had died.
    if (ownerOf(seen) === participant || (yield isDead(ownerOf(seen)))) {
      if ((yield compareExchange(index, seen, ownedBy(participant) | (seen & WAITERS) | waiters)) === seen) return true
      continue
    }
    const contended = seen | WAITERS
    if (seen !== contended && (yield compareExchange(index, seen, contended)) !== seen) continue
    yield waitBriefly(index, contended)
    waiters = WAITERS
  }
}

export function* unlock(index: number): Steps<void> {
  if ((yield exchange(index, FREE)) & WAITERS) yield notify(index, 1)
}
