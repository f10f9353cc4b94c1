import { setTimeout as wait } from 'node:timers/promises'
import type { LaneState } from '../protocol.js'
import { monotonicWord } from './monotonic.js'

/**
 * How a lane tells what it does: in words that it shares with the server, which looks at them ten times a second. A lane is
 * never held up by it.
 *
 * | index (Int32) | name | meaning |
 * | --- | --- | --- |
 * | 0 | pace | hundredths of the length of a pause: 100 is full speed, 2,000 the slowest |
 * | 1 | round | counts up whenever those who wait for the server may go on |
 * | 2–15 | | unused, so that no lane writes to the cache line of the two above |
 * | place | count | transitions that the lane has told so far, modulo 2³² |
 * | place + 1 | owner | 0: nobody has the place; else who has chosen it: {@link claimPlace} |
 * | place + 2–15 | | unused |
 * | place + 16 + 2 × (n mod 256) | time | of transition n: {@link monotonicWord} |
 * | the word behind it | what | its state; the number of its subject × 2⁸, 0: none; 2¹⁶ if this has repaired what a dead owner left |
 *
 * **Invariant:** pace and round have one writer, the server. A place has one writer, the lane that has it; its successor
 * begins when the server has seen the lane end, and goes on at `count`.
 * **Invariant:** transition n is whole and stays as it is while `count` is above n and at most n + 255. So a reader that finds
 * `count` in this range after it has read n has read it as it was told.
 * **Source:** H.-J. Boehm, "Can Seqlocks Get Along With Programming Language Memory Models?", 2012,
 * https://doi.org/10.1145/2247684.2247688. **Differs:** a ring with one writer, so that what was written over is known by
 * its number, and no second look at a version is needed.
 */
const paceIndex = 0
const roundIndex = 1
const line = 16
const ring = 256
const placeWords = line + 2 * ring
const owner = 1
const repairedBit = 1 << 16

/** Who rests without blocking its thread is not woken: it looks at the pace so often. */
const sliceMs = 200

/** What a lane can say of itself; that it is dead, others say. */
const states = ['starting', 'idle', 'running', 'waiting', 'holding'] as const

/** So many words hold the lanes of `places` places. */
export const laneWordCount = (places: number): number => line + places * placeWords

/** Words of a scenario whose lanes are threads. */
export function threadLaneWords(places: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(laneWordCount(places) * Int32Array.BYTES_PER_ELEMENT))
}

const baseOf = (place: number): number => line + place * placeWords

/** The lane's side. */
export class LaneWriter<Subject extends string> {
  readonly #words: Int32Array
  readonly #base: number
  readonly #subjects: readonly Subject[]

  /** @param subjects - the scenario's list of what its lanes wait for, hold and run; at most 255 */
  constructor(words: Int32Array, place: number, subjects: readonly Subject[]) {
    this.#words = words
    this.#base = baseOf(place)
    this.#subjects = subjects
  }

  /**
   * Says what the lane does from now on.
   *
   * @param subject - what it waits for, holds or runs
   * @param repaired - whether it has just repaired what a dead owner of the subject left
   */
  tell(state: (typeof states)[number], subject?: Subject, repaired = false): void {
    const count = Atomics.load(this.#words, this.#base)
    const at = this.#base + line + 2 * (count & (ring - 1))
    Atomics.store(this.#words, at, monotonicWord())
    const number = subject === undefined ? 0 : this.#subjects.indexOf(subject) + 1
    Atomics.store(this.#words, at + 1, states.indexOf(state) | (number << 8) | (repaired ? repairedBit : 0))
    Atomics.store(this.#words, this.#base, (count + 1) | 0)
  }
}

/** Something that a lane has told. */
export interface Told {
  /** A {@link monotonicWord}. */
  readonly time: number
  readonly state: LaneState
  readonly subject: string | undefined
  readonly repaired: boolean
}

/** The server's side of a place. */
export class LaneReader {
  readonly #words: Int32Array
  readonly #base: number
  readonly #subjects: readonly string[]
  #read = 0

  /** @param subjects - the list that the lane's writer has */
  constructor(words: Int32Array, place: number, subjects: readonly string[]) {
    this.#words = words
    this.#base = baseOf(place)
    this.#subjects = subjects
  }

  /** What was told since the last call; of very much, the last of it. */
  read(): Told[] {
    const count = Atomics.load(this.#words, this.#base)
    const behind = Math.min((count - this.#read) >>> 0, ring)
    const told: [number, Told][] = []
    for (let n = (count - behind) | 0; n !== count; n = (n + 1) | 0) {
      const at = this.#base + line + 2 * (n & (ring - 1))
      const what = Atomics.load(this.#words, at + 1)
      const state = states[what & 0xff] ?? 'idle'
      const subject = this.#subjects[((what >> 8) & 0xff) - 1]
      told.push([n, { time: Atomics.load(this.#words, at), state, subject, repaired: (what & repairedBit) !== 0 }])
    }
    this.#read = count
    const after = Atomics.load(this.#words, this.#base)
    return told.filter(([n]) => (after - n) >>> 0 < ring).map(([, each]) => each)
  }
}

/** Takes a place that nobody has, for a lane that is not given one. @returns undefined: all are taken */
export function claimPlace(words: Int32Array, who: number): number | undefined {
  for (let place = 0; baseOf(place) < words.length; place++)
    if (Atomics.compareExchange(words, baseOf(place) + owner, 0, who) === 0) return place
  return undefined
}

/** Who has claimed a place; 0: nobody. */
export const ownerOf = (words: Int32Array, place: number): number => Atomics.load(words, baseOf(place) + owner)

/** Gives back the place of a lane that has ended. */
export function freePlace(words: Int32Array, place: number): void {
  Atomics.store(words, baseOf(place) + owner, 0)
}

/** @param pace - 1 is full speed; at 2 all takes twice as long */
export function setPace(words: Int32Array, pace: number): void {
  Atomics.store(words, paceIndex, Math.round(pace * 100))
  Atomics.notify(words, paceIndex)
}

/** Rests so long at full speed, longer at a slower pace; ends early when the pace changes. Blocks the thread. */
export function restSync(words: Int32Array, ms: number): void {
  const hundredths = Atomics.load(words, paceIndex)
  Atomics.wait(words, paceIndex, hundredths, (ms * hundredths) / 100)
}

/** The same, and does not block; after a change of the pace, what is left of it soon goes on at the new one. */
export async function rest(words: Int32Array, ms: number, signal?: AbortSignal): Promise<void> {
  const waitFor = (time: number) => wait(time, undefined, signal && { signal })
  let left = ms
  for (;;) {
    const pace = Atomics.load(words, paceIndex) / 100
    if (left * pace <= sliceMs) return await waitFor(left * pace)
    await waitFor(sliceMs)
    left -= sliceMs / pace
  }
}

/** What to give to {@link waitForNextRound}. */
export const currentRound = (words: Int32Array): number => Atomics.load(words, roundIndex)

/** Blocks until the server lets go on those who have seen this round. */
export function waitForNextRound(words: Int32Array, seen: number): void {
  while (Atomics.load(words, roundIndex) === seen) Atomics.wait(words, roundIndex, seen)
}

/** Lets go on all who wait for the next round. */
export function beginNextRound(words: Int32Array): void {
  Atomics.add(words, roundIndex, 1)
  Atomics.notify(words, roundIndex)
}
