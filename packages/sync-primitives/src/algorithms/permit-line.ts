import { generationOf, lastSlot, participantOf, slotOf } from '../memory/participants.js'
import { add, checkpoint, EVERYBODY, GAVE_UP, isDead, load, notify, type Steps, store, wait } from '../steps.js'
import { lockBriefly, type Outcome, unlock } from './mutex.js'

/**
 * Permits that threads take and give back, strictly in the order in which they asked. A semaphore is one; a fair mutex is one
 * with a single permit.
 *
 * word           · value                · meaning
 * LOCK           · a mutex word         · guards all other words; `lockBriefly`
 * TOTAL          · whole number         · permits that are free or held
 * BOUND          · whole number         · the most permits that may be free; written once
 * NEXT           · a ticket             · what the next one who waits gets; tickets are 1 to 2^31 - 1 and go round
 * QUEUED         · 0 or 1               · 0: nobody waits; 1: somebody may
 * DIED           · 0, 1, 2              · 1: a holder has died since it was last marked consistent; 2: not recoverable
 * and for each slot, written under LOCK, by its own thread but for WAKE and what its death leaves:
 * GENERATION     · of a participant     · whose record this is
 * HELD           · whole number         · permits that it holds
 * WAKE           · counts up            · the thread sleeps on it; whoever makes a turn possible counts
 * TICKET + lane  · 0 or a ticket        · what it waits with; lane 0 blocks, lane 1 awaits
 * WANTED + lane  · whole number         · permits that it waits for
 *
 * Invariant: TOTAL minus what all living threads hold is free and not negative. The record is the count: no thread can die
 * between the one and the other, and what a dead one held is free again as soon as its death is noticed.
 * Invariant: a thread takes permits only if nobody who lives has an earlier ticket.
 * Invariant: while somebody sleeps and its turn has come, its WAKE has changed since it looked.
 * Source: the ticket lock of D. P. Reed and R. K. Kanodia, "Synchronization with eventcounts and sequencers",
 * https://doi.org/10.1145/359060.359076
 * Differs: tickets stand in a record for each thread, so that one that leaves or dies takes its ticket with it, and the others
 * need no gap in a count. A thread that blocks takes the place of its own tasks: they cannot go on before it does.
 *
 * More than 300 lines: all of them are steps under one lock on one set of words, and are read and proven as a whole.
 */
export const LOCK = 0
export const TOTAL = 1
export const BOUND = 2
const NEXT = 3
export const QUEUED = 4
export const DIED = 5
const headerWords = 7
const GENERATION = 0
const HELD = 1
const WAKE = 2
const TICKET = 3
const WANTED = 5
const wordsPerSlot = 8

export const BLOCKING_LANE = 0
export const AWAITING_LANE = 1
type LaneNumber = typeof BLOCKING_LANE | typeof AWAITING_LANE

const NOBODY_DIED = 0
export const HOLDER_DIED = 1
export const LOST = 2

const lastTicket = 2 ** 31 - 1
/** More permits than this cannot be, free and held together. */
export const mostPermits = 2 ** 30 - 1
const mostTotal = 2 ** 31 - 1

export const permitLineWords = (slots: number): number => headerWords + slots * wordsPerSlot
/** The index of the number of permits that a slot's thread holds; GENERATION stands before it. */
export const heldIndex = (index: number, slot: number): number => record(index, slot) + HELD

const record = (index: number, slot: number): number => index + headerWords + (slot - 1) * wordsPerSlot

/** Whether somebody has a ticket; it may be dead. */
export function isQueued(words: Int32Array, { index, highest }: Line): boolean {
  const last = lastSlot(Atomics.load(words, highest))
  for (let slot = 1; slot <= last; slot++)
    for (const lane of [BLOCKING_LANE, AWAITING_LANE])
      if (Atomics.load(words, record(index, slot) + TICKET + lane) !== 0) return true
  return false
}

export interface Line {
  /** The index of LOCK. */
  readonly index: number
  /** The index of the word that holds the highest slot in use. */
  readonly highest: number
}

/** Takes `wanted` permits, or waits for them behind those that came earlier. */
export function* acquirePermits(line: Line, participant: number, wanted: number, lane: LaneNumber): Steps<Outcome> {
  const { index } = line
  const own = record(index, slotOf(participant))
  let ticket = 0
  for (;;) {
    yield* lockBriefly(index + LOCK, participant, 'acquire permits', wanted, ticket)
    yield* claimRecord(line, participant)
    // The tasks of a thread that blocks cannot go on: it takes their place, or others would wait behind them, and it behind those.
    const turn = ticket === 0 && lane === BLOCKING_LANE ? yield load(own + TICKET + AWAITING_LANE) : ticket
    const outcome = yield* take(line, participant, wanted, turn)
    if (outcome !== 'gave up') {
      if (ticket !== 0) yield store(own + TICKET + lane, 0)
      // What is left may be enough for the next one.
      if ((yield* countFree(line)) > 0) yield* wakeFirst(line)
      yield* unlock(index + LOCK)
      return outcome
    }
    if (ticket === 0) {
      ticket = turn
      if (ticket === 0) {
        ticket = ((yield load(index + NEXT)) % lastTicket) + 1
        yield store(index + NEXT, ticket)
      }
      yield store(index + QUEUED, 1)
      yield store(own + WANTED + lane, wanted)
      yield store(own + TICKET + lane, ticket)
    }
    const wake = yield load(own + WAKE)
    yield* unlock(index + LOCK)
    yield checkpoint(['sleep', wanted, ticket, wake])
    if ((yield wait(own + WAKE, wake)) === GAVE_UP) {
      yield* lockBriefly(index + LOCK, participant, 'give up')
      yield store(own + TICKET + lane, 0)
      yield* wakeFirst(line)
      yield* unlock(index + LOCK)
      return 'gave up'
    }
  }
}

/** Takes `wanted` permits if they are free and nobody waits for some. */
export function* tryAcquirePermits(line: Line, participant: number, wanted: number): Steps<Outcome> {
  yield* lockBriefly(line.index + LOCK, participant, 'try permits', wanted)
  yield* claimRecord(line, participant)
  const outcome = yield* take(line, participant, wanted, 0)
  yield* unlock(line.index + LOCK)
  return outcome
}

/** Gives back permits that `participant` holds. Returns whether that was allowed; if not, nothing was changed. */
export function* releasePermits(line: Line, participant: number, permits: number): Steps<boolean> {
  const { index } = line
  const held = heldIndex(index, slotOf(participant))
  yield* lockBriefly(index + LOCK, participant, 'release permits', permits)
  const mine = yield load(held)
  const allowed = mine >= permits && permits + (yield* countFree(line)) <= (yield load(index + BOUND))
  if (allowed) {
    yield store(held, mine - permits)
    yield* wakeFirst(line)
  }
  yield* unlock(index + LOCK)
  return allowed
}

/** Adds permits that nobody held. Returns whether the bound allows it; if not, nothing was changed. */
export function* addPermits(line: Line, participant: number, permits: number): Steps<boolean> {
  const { index } = line
  yield* lockBriefly(index + LOCK, participant, 'add permits', permits)
  const free = yield* reclaimAndCountFree(line)
  const total = (yield load(index + TOTAL)) + permits
  const allowed = free + permits <= (yield load(index + BOUND)) && total <= mostTotal
  if (allowed) {
    yield store(index + TOTAL, total)
    yield* wakeFirst(line)
  }
  yield* unlock(index + LOCK)
  return allowed
}

/** How many permits are free, with what the dead hold. */
export function* readFreePermits(line: Line, participant: number): Steps<number> {
  yield* lockBriefly(line.index + LOCK, participant, 'read free permits')
  const free = yield* reclaimAndCountFree(line)
  yield* unlock(line.index + LOCK)
  return free
}

/** Makes permits that `participant` holds nobody's. */
export function* disownPermits(line: Line, participant: number, permits: number): Steps<void> {
  const { index } = line
  const held = heldIndex(index, slotOf(participant))
  yield* lockBriefly(index + LOCK, participant, 'disown permits', permits)
  // In this order: who dies between the two holds nothing any more, and the permits are disowned.
  yield store(index + TOTAL, (yield load(index + TOTAL)) - permits)
  yield store(held, (yield load(held)) - permits)
  yield* unlock(index + LOCK)
}

/** Gives back the one permit of a mutex; if its data was not marked consistent, nobody gets it any more. */
export function* releaseFairMutex(line: Line, participant: number): Steps<boolean> {
  const { index } = line
  const held = heldIndex(index, slotOf(participant))
  yield* lockBriefly(index + LOCK, participant, 'release fair mutex')
  const mine = yield load(held)
  if (mine > 0) {
    if ((yield load(index + DIED)) === HOLDER_DIED) {
      yield store(index + DIED, LOST)
      yield store(held, 0)
      yield* wakeAll(line)
    } else {
      yield store(held, 0)
      yield* wakeFirst(line)
    }
  }
  yield* unlock(index + LOCK)
  return mine > 0
}

/** The one who holds it says that the data is sound again. */
export function* markFairMutexConsistent(line: Line, participant: number): Steps<void> {
  yield* lockBriefly(line.index + LOCK, participant, 'mark consistent')
  yield store(line.index + DIED, NOBODY_DIED)
  yield* unlock(line.index + LOCK)
}

/** Under LOCK: takes the permits if it is the turn of `ticket`, where 0 comes after all others, and they are free. */
function* take(line: Line, participant: number, wanted: number, ticket: number): Steps<Outcome> {
  const { index } = line
  const isLost = (yield load(index + DIED)) === LOST
  if (isLost) return 'not recoverable'
  if ((yield load(index + QUEUED)) !== 0 && !(yield* isFirst(line, participant, ticket))) return 'gave up'
  if ((yield* countFree(line)) < wanted && (yield* reclaimAndCountFree(line)) < wanted) return 'gave up'
  const held = heldIndex(index, slotOf(participant))
  yield store(held, (yield load(held)) + wanted)
  return (yield load(index + DIED)) === HOLDER_DIED ? 'owner died' : 'acquired'
}

/** Under LOCK: makes the slot's record this thread's own. What a former thread of the slot has left is void. */
function* claimRecord(line: Line, participant: number): Steps<void> {
  const own = record(line.index, slotOf(participant))
  if ((yield load(own + GENERATION)) === generationOf(participant)) return
  const held = yield load(own + HELD)
  if (held > 0) yield* takeBack(line, own, held)
  yield store(own + TICKET + BLOCKING_LANE, 0)
  yield store(own + TICKET + AWAITING_LANE, 0)
  yield store(own + GENERATION, generationOf(participant))
}

/** Under LOCK: whether nobody who lives waits with an earlier ticket. Tickets of this thread's other lane do not count. */
function* isFirst({ index, highest }: Line, participant: number, ticket: number): Steps<boolean> {
  const last = lastSlot(yield load(highest))
  let othersWait = false
  for (let slot = 1; slot <= last; slot++) {
    const at = record(index, slot)
    for (const lane of [BLOCKING_LANE, AWAITING_LANE]) {
      const other = yield load(at + TICKET + lane)
      if (other === 0) continue
      if (slot === slotOf(participant)) {
        othersWait = true
        continue
      }
      if (yield isDead(participantOf(slot, yield load(at + GENERATION)))) {
        yield store(at + TICKET + lane, 0)
        continue
      }
      if (ticket === 0 || isEarlier(other, ticket)) return false
      othersWait = true
    }
  }
  if (!othersWait) yield store(index + QUEUED, 0)
  return true
}

/** Tickets go round: of two, the one is earlier that is less than half a round behind. */
const isEarlier = (one: number, other: number): boolean => {
  const distance = (other - one + lastTicket) % lastTicket
  return distance !== 0 && distance < lastTicket / 2
}

/** Under LOCK: the free permits, if nobody has died. */
function* countFree({ index, highest }: Line): Steps<number> {
  const last = lastSlot(yield load(highest))
  let free = yield load(index + TOTAL)
  for (let slot = 1; slot <= last; slot++) free -= yield load(heldIndex(index, slot))
  return free
}

/** Under LOCK: takes back what the dead hold, up to the bound, and counts the free permits. */
function* reclaimAndCountFree(line: Line): Steps<number> {
  const { index, highest } = line
  const last = lastSlot(yield load(highest))
  for (let slot = 1; slot <= last; slot++) {
    const at = record(index, slot)
    const held = yield load(at + HELD)
    if (held === 0 || !(yield isDead(participantOf(slot, yield load(at + GENERATION))))) continue
    yield* takeBack(line, at, held)
  }
  return yield* countFree(line)
}

/** Under LOCK: the permits of a record whose thread is dead are free again; what the bound does not allow is gone. */
function* takeBack(line: Line, at: number, held: number): Steps<void> {
  const { index } = line
  // In this order: who dies on the way has told it, and made no permit that there was not; the next one takes back.
  if ((yield load(index + DIED)) === NOBODY_DIED) yield store(index + DIED, HOLDER_DIED)
  const tooMany = (yield* countFree(line)) + held - (yield load(index + BOUND))
  if (tooMany > 0) yield store(index + TOTAL, (yield load(index + TOTAL)) - tooMany)
  yield store(at + HELD, 0)
}

/** Under LOCK: wakes the thread with the earliest ticket. If that one is dead, those behind it find out by themselves. */
function* wakeFirst({ index, highest }: Line): Steps<void> {
  if ((yield load(index + QUEUED)) === 0) return
  const last = lastSlot(yield load(highest))
  let first = 0
  let at = 0
  for (let slot = 1; slot <= last; slot++)
    for (const lane of [BLOCKING_LANE, AWAITING_LANE]) {
      const ticket = yield load(record(index, slot) + TICKET + lane)
      if (ticket === 0 || (first !== 0 && !isEarlier(ticket, first))) continue
      first = ticket
      at = record(index, slot)
    }
  if (first === 0) return
  yield add(at + WAKE, 1)
  yield notify(at + WAKE, EVERYBODY)
}

/** Under LOCK: nobody will get a permit any more, and all who sleep must learn that. */
function* wakeAll({ index, highest }: Line): Steps<void> {
  const last = lastSlot(yield load(highest))
  for (let slot = 1; slot <= last; slot++) {
    yield add(record(index, slot) + WAKE, 1)
    yield notify(record(index, slot) + WAKE, EVERYBODY)
  }
}
