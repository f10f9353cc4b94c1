/** The arithmetic of a limiter: how many permits are there, and when the next will be. `now` never goes back. */
export interface Quota {
  readonly rate: number
  readonly per: number
  /** The most permits that can be had at once. */
  readonly burst: number
  /** Takes `permits` if they are there, for a caller that goes on at once. */
  take(permits: number, now: number): boolean
  /** Takes `permits` if they are there, for an owner that goes on when its promise's reactions run. */
  takeForPromise(permits: number, now: number): boolean
  /**
   * Milliseconds until the `permits` next ones have all come, by what is known: they do not come earlier. 0 or less exactly
   * when they are there; Infinity if they never come at this rate. May be more than `burst`: those ahead are counted in.
   */
  dueIn(permits: number, now: number): number
  /** Milliseconds until all permits are there that ever are at a time; 0 or less: they are. */
  fullIn(now: number): number
  available(now: number): number
  setRate(rate: number, per: number, now: number): void
  bound(windowMs: number): number
}

/** As many as can be counted one by one with room to spare. */
export const mostPermits = 2 ** 50

/** As many at once as come in one period, and never less than one. */
export function defaultBurst(rate: number): number {
  return Math.min(Math.max(1, Math.floor(rate)), mostPermits)
}
