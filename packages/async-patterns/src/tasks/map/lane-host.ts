import type { ClosedError } from '../../errors.js'
import type { TaskCounts } from '../scheduler-options.js'

/** A map as its manager sees it. */
export interface RunningMap {
  /** Ends it at once: whoever reads is told `reason`. */
  abort(reason: unknown): void
  /** Pulls nothing more: what was pulled goes on, and `reason` stands behind its results. */
  stop(reason: unknown): void
}

/** What a map needs of the manager whose places its lanes use. */
export interface LaneHost {
  readonly maxConcurrent: number
  /** Why nothing is taken on any more, once that is so. */
  readonly closedError: ClosedError | undefined
  /**
   * Whether a lane has to give its place up, when `ownInLine` lanes of its map are in line: somebody else waits for it, or
   * there are fewer places than before.
   */
  mustLeave(ownInLine: number): boolean
  readonly isPaused: boolean
  readonly abortGrace: number
  /** Takes a place if one is free and nobody waits for it. */
  tryEnter(): boolean
  /** Asks for a place: calls `enter` when its turn has come. @returns takes the request back */
  enterInTurn(enter: () => void): () => void
  /** Gives a place back. */
  leave(): void
  countItem(how: keyof TaskCounts): void
  /** The map was asked for results, and wants to be told to end. */
  addMap(map: RunningMap): void
  /** The map is over and needs nothing any more. */
  onMapOver(map: RunningMap): void
}
