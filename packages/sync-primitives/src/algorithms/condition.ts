import {
  checkpoint,
  compareExchange,
  EVERYBODY,
  GAVE_UP,
  isDead,
  load,
  notify,
  type Steps,
  store,
  wait,
} from '../steps.js'

/**
 * The words of a condition. All but SERVED and what a dead waiter left in RING change under the user's mutex only.
 *
 * word      · value           · meaning
 * NEXT      · a ticket        · what the next one who waits gets; tickets are 32 bits and go round
 * SERVED    · a ticket        · all before it have been notified; waiters sleep on it
 * SETTLED   · a ticket        · all before it have been notified and have looked, or have died or given up
 * RING + i  · a participant   · who waits, or has been notified and has not looked yet, with a ticket that is i modulo the size
 *           · 0               · nobody
 *
 * Invariant: SETTLED <= SERVED <= NEXT < SETTLED + size, so each ticket between them has an entry of its own.
 * Invariant: a ticket from SERVED to NEXT - 1 with 0 in RING is of one who gave up: a notification passes it. So notify(n)
 * serves exactly n of those that wait and live, first come first served.
 * Invariant: one that waits with a ticket before SERVED goes through, whenever it looks.
 * Invariant: an entry before SERVED that is not 0 and whose thread has died is a notification that nobody got: the first
 * waiter that sees it claims the entry, and passes the notification on. If that one dies in between, it is lost with both.
 * Source: D. P. Reed and R. K. Kanodia, "Synchronization with eventcounts and sequencers",
 * https://doi.org/10.1145/359060.359076
 * Differs: a ring says who waits, since a waiter may give up or die.
 */
const NEXT = 0
const SERVED = 1
const SETTLED = 2
const RING = 3

export interface ConditionWords {
  readonly index: number
  /** A power of two. */
  readonly size: number
}

export const conditionWords = (size: number): number => RING + size

const entryAt = ({ index, size }: ConditionWords, ticket: number): number => index + RING + (ticket & (size - 1))
const isServed = (ticket: number, served: number): boolean => ((served - ticket) | 0) > 0

/** How many have a ticket that was not served, among them such as gave up. */
export const waitingIn = (words: Int32Array, { index }: ConditionWords): number =>
  (Atomics.load(words, index + NEXT) - Atomics.load(words, index + SERVED)) | 0

/** Under the mutex: takes a ticket; undefined: as many wait as there is room for, nothing was changed. */
export function* enqueueWaiter(words: ConditionWords, participant: number): Steps<number | undefined> {
  const ticket = yield load(words.index + NEXT)
  if (((ticket + 1 - (yield* settle(words))) | 0) >= words.size)
    return yield* takePlaceOfOneWhoGaveUp(words, participant)
  yield store(entryAt(words, ticket), participant)
  yield store(words.index + NEXT, (ticket + 1) | 0)
  return ticket
}

/**
 * When the ring is full: the place nearest to the end of one who gave up or died. It passes those behind it, and no others. If
 * somebody passes on the notification of a dead one at this very moment, the new one may get it.
 */
function* takePlaceOfOneWhoGaveUp(words: ConditionWords, participant: number): Steps<number | undefined> {
  const served = yield load(words.index + SERVED)
  let ticket = yield load(words.index + NEXT)
  while (ticket !== served) {
    ticket = (ticket - 1) | 0
    const entry = yield load(entryAt(words, ticket))
    if (entry !== 0 && !(yield isDead(entry))) continue
    yield store(entryAt(words, ticket), participant)
    return ticket
  }
  return undefined
}

/** Moves SETTLED past all who have looked or are gone. Returns where it is. */
function* settle(words: ConditionWords): Steps<number> {
  const from = yield load(words.index + SETTLED)
  const served = yield load(words.index + SERVED)
  let to = from
  // Nobody takes an entry from SETTLED on again before SETTLED has passed it.
  while (to !== served && (yield load(entryAt(words, to))) === 0) to = (to + 1) | 0
  if (to !== from) yield compareExchange(words.index + SETTLED, from, to)
  return to
}

/** Without the mutex: waits until the ticket was served; false: gave up, and it may be served all the same by now. */
export function* waitUntilServed(words: ConditionWords, ticket: number): Steps<boolean> {
  const servedAt = words.index + SERVED
  for (;;) {
    yield checkpoint(['wait until served', ticket])
    const served = yield load(servedAt)
    if (isServed(ticket, served)) return true
    if (yield* passOnForTheDead(words, served)) continue
    if ((yield wait(servedAt, served)) === GAVE_UP) return false
  }
}

/** Looks for a notification that was given to one who has died, and gives it to the next one. Returns whether there was one. */
function* passOnForTheDead(words: ConditionWords, served: number): Steps<boolean> {
  for (let ticket = yield* settle(words); isServed(ticket, served); ticket = (ticket + 1) | 0) {
    const at = entryAt(words, ticket)
    const entry = yield load(at)
    if (entry === 0 || !(yield isDead(entry)) || (yield compareExchange(at, entry, 0)) !== entry) continue
    yield* serve(words, 1)
    return true
  }
  return false
}

/** Under the mutex: one that waited says that it looks no more. Returns whether its ticket was served. */
export function* leaveCondition(words: ConditionWords, ticket: number): Steps<boolean> {
  const served = isServed(ticket, yield load(words.index + SERVED))
  yield store(entryAt(words, ticket), 0)
  return served
}

/** Under the mutex: lets up to `count` waiters through. Returns how many. */
export function* serve(words: ConditionWords, count: number): Steps<number> {
  const servedAt = words.index + SERVED
  for (;;) {
    const before = yield load(servedAt)
    const next = yield load(words.index + NEXT)
    let served = before
    let reached = 0
    while (served !== next && reached < count) {
      const at = entryAt(words, served)
      const entry = yield load(at)
      if (entry !== 0) {
        // Cleared, so that nobody takes it for one who was notified and died then.
        if (yield isDead(entry)) yield compareExchange(at, entry, 0)
        else reached += 1
      }
      served = (served + 1) | 0
    }
    if (served === before) return 0
    if ((yield compareExchange(servedAt, before, served)) !== before) continue
    yield notify(servedAt, EVERYBODY)
    return reached
  }
}
