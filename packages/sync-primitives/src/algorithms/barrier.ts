import { checkpoint, EVERYBODY, GAVE_UP, isDead, load, notify, type Steps, store, wait } from '../steps.js'
import { lockBriefly, unlock } from './mutex.js'

/**
 * The words of a barrier.
 *
 * word         · value                   · meaning
 * LOCK         · a mutex word            · guards all other words; `lockBriefly`
 * PARTIES      · whole number            · how many have to arrive; written once
 * STATE        · phase | generation << 2 · 0 OPEN, 1 TRIPPING: all have arrived and the action runs, 2 BROKEN; waiters sleep on it
 * ARRIVED      · count | generation << 11· how many have arrived, if the generation is that of STATE; else nobody has
 * OUTCOMES     · 32 bits                 · bit generation % 32: that generation was broken; for the last 32 of them
 * PARTY + i    · a participant           · who has arrived as number i in this generation
 *
 * Invariant: generations only grow, by one with each trip and each reset. One generation ends once: tripped or broken.
 * Invariant: OUTCOMES says how a generation has ended before STATE says that it has.
 * Invariant: PARTY + i is written before ARRIVED counts it.
 * Source: `java.util.concurrent.CyclicBarrier` for the rules of breaking; the generation is the sense of a sense-reversing
 * barrier, J. M. Mellor-Crummey and M. L. Scott, https://doi.org/10.1145/103727.103729
 * Differs: a party that dies while the others wait breaks the barrier.
 */
const LOCK = 0
export const PARTIES = 1
export const STATE_WORD = 2
export const ARRIVED = 3
const OUTCOMES = 4
export const PARTY = 5

const OPEN = 0
export const TRIPPING = 1
export const BROKEN = 2
const phaseBits = 2
const generations = 2 ** 20
const countBits = 11
export const mostParties = 2 ** countBits - 1

export const barrierWords = (parties: number): number => PARTY + parties
export const phaseOf = (state: number): number => state & 3
const generationOf = (state: number): number => state >>> phaseBits
const stateFor = (generation: number, phase: number): number => ((generation % generations) << phaseBits) | phase
const outcomeBit = (generation: number): number => 1 << (generation % 32)

/** How many have arrived, as the words ARRIVED and STATE say. */
export const arrivedOf = (arrived: number, state: number): number =>
  arrived >>> countBits === generationOf(state) ? arrived & mostParties : 0

export type Passage =
  | { readonly outcome: 'passed'; readonly index: number; readonly serial: boolean }
  /** The last one: it runs the action, then calls `trip` or `breakBarrier` with the generation. */
  | { readonly outcome: 'run the action'; readonly index: number; readonly generation: number }
  | { readonly outcome: 'broken' | 'gave up' }

/** Arrives, and waits for the others. Giving up breaks the barrier, unless the generation has ended by then. */
export function* passBarrier(index: number, participant: number, hasAction: boolean): Steps<Passage> {
  const parties = yield load(index + PARTIES)
  for (;;) {
    yield* lockBriefly(index + LOCK, participant, 'arrive', parties)
    const state = yield load(index + STATE_WORD)
    if (phaseOf(state) === BROKEN) {
      yield* unlock(index + LOCK)
      return { outcome: 'broken' }
    }
    if (phaseOf(state) === TRIPPING) {
      // This party belongs to the next generation, which has not begun. Those of this one look after the one that acts.
      yield* unlock(index + LOCK)
      if ((yield wait(index + STATE_WORD, state)) === GAVE_UP) return { outcome: 'gave up' }
      continue
    }
    const generation = generationOf(state)
    const number = arrivedOf(yield load(index + ARRIVED), state)
    // Those before it look after each other while they wait; the last one does not wait.
    if (number + 1 === parties && (yield* hasDeadParty(index, number))) {
      yield* endGeneration(index, generation, true, BROKEN)
      yield* unlock(index + LOCK)
      return { outcome: 'broken' }
    }
    yield store(index + PARTY + number, participant)
    yield store(index + ARRIVED, (number + 1) | (generation << countBits))
    if (number + 1 < parties) {
      yield* unlock(index + LOCK)
      return yield* waitForOthers(index, participant, generation, number)
    }
    if (hasAction) yield store(index + STATE_WORD, stateFor(generation, TRIPPING))
    else yield* endGeneration(index, generation, false, OPEN)
    yield* unlock(index + LOCK)
    if (hasAction) return { outcome: 'run the action', index: number, generation }
    return { outcome: 'passed', index: number, serial: true }
  }
}

function* waitForOthers(index: number, participant: number, generation: number, number: number): Steps<Passage> {
  for (;;) {
    yield* lockBriefly(index + LOCK, participant, 'wait for others', generation, number)
    const seen = yield load(index + STATE_WORD)
    if (generationOf(seen) === generation && phaseOf(seen) !== BROKEN) yield* breakIfNextDied(index, seen, number)
    const state = yield load(index + STATE_WORD)
    const passage = yield* endOf(index, state, generation, number)
    yield* unlock(index + LOCK)
    if (passage) return passage
    yield checkpoint(['sleep', generation, number, state])
    if ((yield wait(index + STATE_WORD, state)) === GAVE_UP) {
      yield* lockBriefly(index + LOCK, participant, 'give up', generation, number)
      const now = yield load(index + STATE_WORD)
      const ended = yield* endOf(index, now, generation, number)
      if (!ended) yield* endGeneration(index, generation, true, BROKEN)
      yield* unlock(index + LOCK)
      return ended ?? { outcome: 'gave up' }
    }
  }
}

/** Under LOCK: what has become of a party that waits; undefined: it waits on. */
function* endOf(index: number, state: number, generation: number, number: number): Steps<Passage | undefined> {
  if (generationOf(state) === generation) return phaseOf(state) === BROKEN ? { outcome: 'broken' } : undefined
  // One that did not look for 32 generations cannot know any more.
  const passed = (generationOf(state) - generation + generations) % generations
  if (passed > 31 || (yield load(index + OUTCOMES)) & outcomeBit(generation)) return { outcome: 'broken' }
  return { outcome: 'passed', index: number, serial: false }
}

/**
 * Under LOCK: a party that has died, also while it ran the action, breaks the barrier for the others. Each looks after the one
 * behind it, the last after the first: whoever dies, somebody who lives looks after him or after another one who has died.
 */
function* breakIfNextDied(index: number, state: number, number: number): Steps<void> {
  const arrived = arrivedOf(yield load(index + ARRIVED), state)
  const next = yield load(index + PARTY + ((number + 1) % Math.max(arrived, 1)))
  if (yield isDead(next)) yield* endGeneration(index, generationOf(state), true, BROKEN)
}

function* hasDeadParty(index: number, arrived: number): Steps<boolean> {
  for (let number = 0; number < arrived; number++) if (yield isDead(yield load(index + PARTY + number))) return true
  return false
}

/** Under LOCK: says how a generation has ended, and wakes its parties. `phase` is that of the next one, or BROKEN for this one. */
function* endGeneration(index: number, generation: number, broken: boolean, phase: number): Steps<void> {
  const outcomes = yield load(index + OUTCOMES)
  const cleared = outcomes & ~outcomeBit(generation) & ~outcomeBit(generation + 1)
  yield store(index + OUTCOMES, broken ? cleared | outcomeBit(generation) : cleared)
  yield store(index + STATE_WORD, stateFor(phase === BROKEN ? generation : generation + 1, phase))
  // Of no generation any more, also when the count of generations has gone round.
  yield store(index + ARRIVED, 0)
  yield notify(index + STATE_WORD, EVERYBODY)
}

/** After the action: lets everybody go. Returns false if the barrier was broken or reset meanwhile. */
export function* trip(index: number, participant: number, generation: number): Steps<boolean> {
  yield* lockBriefly(index + LOCK, participant, 'trip', generation)
  const trips = (yield load(index + STATE_WORD)) === stateFor(generation, TRIPPING)
  if (trips) yield* endGeneration(index, generation, false, OPEN)
  yield* unlock(index + LOCK)
  return trips
}

/** Breaks the barrier; if a generation is given, only if that one has not ended. */
export function* breakBarrier(index: number, participant: number, generation?: number): Steps<void> {
  yield* lockBriefly(index + LOCK, participant, 'break', generation)
  const state = yield load(index + STATE_WORD)
  if (phaseOf(state) !== BROKEN && (generation === undefined || generationOf(state) === generation))
    yield* endGeneration(index, generationOf(state), true, BROKEN)
  yield* unlock(index + LOCK)
}

/** Begins a new generation; whoever waits in this one gets a broken barrier. */
export function* resetBarrier(index: number, participant: number): Steps<void> {
  yield* lockBriefly(index + LOCK, participant, 'reset')
  const state = yield load(index + STATE_WORD)
  if (phaseOf(state) !== OPEN || arrivedOf(yield load(index + ARRIVED), state) > 0)
    yield* endGeneration(index, generationOf(state), true, OPEN)
  yield* unlock(index + LOCK)
}
