import type { Lane, LockView, ScenarioInfo, Snapshot } from '../protocol.js'
import type { Recording } from '../recording.js'

/** Something that can be watched. */
export interface Scenario {
  readonly info: ScenarioInfo
  /**
   * Begins it; it goes on until it is stopped.
   *
   * @param pace - 1 is full speed; at 2 all takes twice as long
   * @throws what keeps it from running here; nothing runs then, and nothing of it is left
   */
  begin(recording: Recording, pace: number): Run
}

/** What its locks, queues, pools and limiters look like. */
export type Views = Pick<Snapshot, 'locks' | 'queues' | 'pools' | 'limiters'>

/** A scenario that runs. */
export interface Run {
  readonly lanes: readonly Lane[]
  /** Reads what its lanes have told, and looks at what they share. Called ten times a second. */
  look(): Views
  /** @returns whether there was such a lane, and it is being ended */
  kill(lane: number): boolean
  setPace(pace: number): void
  /** Ends it, and resolves when nothing of it is left. */
  stop(): Promise<void>
}

/** Views of a scenario that has none of a kind. */
export const noViews: Views = { locks: [], queues: [], pools: [], limiters: [] }

/** A lock that one lane holds at a time. */
export function heldBy(holder: number | undefined): LockView['holders'] {
  return holder === undefined ? [] : [holder]
}
