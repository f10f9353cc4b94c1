import type { Lane, LaneState } from '../protocol.js'
import type { LaneIdentity, Recording } from '../recording.js'
import { LaneReader, type Told } from './lane-words.js'

/** So many lanes that have ended are still shown. */
const mostDead = 8

interface Entry {
  readonly identity: LaneIdentity
  readonly canKill: boolean
  place: number | undefined
  state: LaneState
  on: string | undefined
  /** Since when. */
  time: number
}

/** The lanes of a scenario, as the server knows them from their words. */
export class Roster {
  readonly #recording: Recording
  readonly #readers: readonly LaneReader[]
  readonly #living = new Map<number, Entry>()
  readonly #repairs = new Map<string, number>()
  #dead: Entry[] = []

  /** @param subjects - the names of what lanes wait for, hold and run */
  constructor(recording: Recording, words: Int32Array, places: number, subjects: readonly string[]) {
    this.#recording = recording
    this.#readers = Array.from({ length: places }, (_, place) => new LaneReader(words, place, subjects))
  }

  /** A lane begins. @param place - where it tells what it does; without one, nothing is known of it until {@link Roster.move} */
  begin(who: Omit<LaneIdentity, 'id'>, canKill: boolean, place?: number): number {
    const identity = { id: this.#recording.newLaneId(), ...who }
    const entry: Entry = { identity, canKill, place, state: 'starting', on: undefined, time: 0 }
    this.#living.set(identity.id, entry)
    this.#change(entry, this.#recording.clock.now(), 'starting', undefined)
    return identity.id
  }

  /** The lane has chosen its place. */
  move(id: number, place: number): void {
    const entry = this.#living.get(id)
    if (entry) entry.place = place
  }

  /** A lane has ended, and its last words are read. */
  end(id: number): void {
    const entry = this.#living.get(id)
    if (entry === undefined) return
    this.#collect(entry)
    this.#living.delete(id)
    this.#change(entry, this.#recording.clock.now(), 'dead', entry.on)
    this.#dead = [...this.#dead.slice(-mostDead + 1), entry]
  }

  /** Reads what all lanes have told. */
  collect(): void {
    for (const entry of this.#living.values()) this.#collect(entry)
  }

  /** Those that live, and behind them the last ones that have ended. */
  get lanes(): Lane[] {
    return [...this.#living.values(), ...this.#dead].map(viewOf)
  }

  /** How many live. */
  get size(): number {
    return this.#living.size
  }

  /** A lane that lives, or was one of the last to end. */
  find(id: number): Lane | undefined {
    const entry = this.#living.get(id) ?? this.#dead.find(({ identity }) => identity.id === id)
    return entry && viewOf(entry)
  }

  /** Lanes that live and are in this state with one of these subjects, the latest last. */
  inState(state: 'waiting' | 'holding', subjects: readonly string[]): number[] {
    return [...this.#living.values()]
      .filter((entry) => entry.state === state && subjects.includes(entry.on ?? ''))
      .sort((one, other) => one.time - other.time)
      .map(({ identity }) => identity.id)
  }

  /** Whether all that live are in this state with this subject. */
  areAll(state: LaneState, subject: string): boolean {
    return [...this.#living.values()].every((entry) => entry.state === state && entry.on === subject)
  }

  byThread(threadId: number): number | undefined {
    for (const { identity } of this.#living.values()) if (identity.threadId === threadId) return identity.id
    return undefined
  }

  /** How often what a dead owner left of one of these was repaired. */
  repairsOf(subjects: readonly string[]): number {
    return subjects.reduce((sum, subject) => sum + (this.#repairs.get(subject) ?? 0), 0)
  }

  #collect(entry: Entry): void {
    if (entry.place === undefined) return
    for (const told of this.#readers[entry.place]?.read() ?? []) this.#hear(entry, told)
  }

  #hear(entry: Entry, { time, state, subject, repaired }: Told): void {
    this.#change(entry, this.#recording.clock.timeOf(time), state, subject)
    if (!repaired || subject === undefined) return
    this.#repairs.set(subject, (this.#repairs.get(subject) ?? 0) + 1)
    this.#recording.note(
      `${entry.identity.title} got ${subject} from an owner that had died, and repaired what it left`,
    )
  }

  #change(entry: Entry, time: number, state: LaneState, on: string | undefined): void {
    if (entry.state === state && entry.on === on && entry.time > 0) return
    // The clock is read twice for a word: what is told a microsecond before the lane began is told when it began.
    entry.time = Math.max(entry.time, time)
    entry.state = state
    entry.on = on
    this.#recording.change(entry.identity, { lane: entry.identity.id, time: entry.time, state, on })
  }
}

function viewOf({ identity, state, on, canKill }: Entry): Lane {
  const killVerb = identity.kind === 'task' ? 'Cancel' : 'Kill'
  return { ...identity, state, on, canKill: canKill && state !== 'dead', killVerb }
}
