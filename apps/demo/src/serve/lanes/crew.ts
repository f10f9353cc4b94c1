import type { Recording } from '../recording.js'
import { type Body, describe } from './bodies.js'
import type { Roster } from './roster.js'

/** How long the place of a lane that was killed stays empty, for all to see. */
const afterKillMs = 250
/** The same after one that ended by itself: whatever is wrong with it may be wrong again. */
const afterFailureMs = 2_000

export interface CrewEvents {
  /** A lane has ended, and its last words are read. */
  onEnd?(lane: number): void
}

/**
 * Lanes in fixed places: when one ends, another one takes its place.
 *
 * Invariant: a place has at most one body that has not ended. So it has one writer.
 */
export class Crew {
  readonly #recording: Recording
  readonly #roster: Roster
  readonly #titles: readonly string[]
  readonly #start: (place: number) => Body
  readonly #events: CrewEvents
  readonly #bodies = new Map<number, Body>()
  readonly #killed = new Set<number>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #isStopped = false

  /** Begins a lane for each title. */
  constructor(
    recording: Recording,
    roster: Roster,
    titles: readonly string[],
    start: (place: number) => Body,
    events: CrewEvents = {},
  ) {
    this.#recording = recording
    this.#roster = roster
    this.#titles = titles
    this.#start = start
    this.#events = events
    for (const place of titles.keys()) this.#begin(place)
  }

  /** @returns whether there was such a lane */
  kill(lane: number): boolean {
    const body = this.#bodies.get(lane)
    if (body === undefined) return false
    if (!this.#killed.has(lane)) this.#recording.note(`${this.#roster.find(lane)?.title} ${killInWords(body)}`)
    this.#killed.add(lane)
    body.end()
    return true
  }

  /** Ends all lanes, and resolves when they have ended. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const timer of this.#timers) clearTimeout(timer)
    const bodies = [...this.#bodies.values()]
    for (const body of bodies) body.end()
    await Promise.all(bodies.map(({ ended }) => ended))
  }

  #begin(place: number): void {
    const title = this.#titles[place] ?? ''
    let body: Body
    try {
      body = this.#start(place)
    } catch (error) {
      this.#recording.note(`${title} could not be started: ${describe(error)}`)
      this.#beginLater(place, afterFailureMs)
      return
    }
    const { kind, pid, threadId } = body
    const lane = this.#roster.begin({ title, kind, pid, threadId }, true, place)
    this.#bodies.set(lane, body)
    void body.ended.then((how) => this.#ended(lane, place, how))
  }

  #ended(lane: number, place: number, how: string): void {
    this.#bodies.delete(lane)
    this.#roster.end(lane)
    if (this.#isStopped) return
    const wasKilled = this.#killed.delete(lane)
    if (!wasKilled) this.#recording.note(`${this.#titles[place]} ${how}`)
    this.#events.onEnd?.(lane)
    this.#beginLater(place, wasKilled ? afterKillMs : afterFailureMs)
  }

  #beginLater(place: number, ms: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.#begin(place)
    }, ms)
    this.#timers.add(timer)
  }
}

function killInWords({ kind, pid, threadId }: Body): string {
  if (kind === 'task') return 'is cancelled'
  return kind === 'thread' ? `is killed: thread ${threadId} by terminate()` : `is killed: process ${pid} by SIGKILL`
}
