export interface TerminateStormResult {
  readonly rounds: number
  /** Objects that nobody could have or use in time, whatever the reason; threads that do not answer. */
  readonly hangs: number
  readonly deaths: number
  /** Locks that the dead surely held. */
  readonly held: number
  /** Guards that said that an owner had died. */
  readonly told: number
  /** Guards that said so though nobody had died with the lock, or again. */
  readonly toldTwice: number
  /** Locks that the dead surely held, and nobody was told. */
  readonly untold: number
  /** How often somebody came in while another one was inside. */
  readonly intrusions: number
  /** What was wrong, with the seed, the round, the object and its words. */
  readonly notes: readonly string[]
}

/** Plays `rounds` rounds, in each of which one of three threads that use everything dies at a random moment. */
export declare function terminateStorm(options: {
  rounds: number
  seed: number
  onRound?: (soFar: TerminateStormResult) => void
}): Promise<TerminateStormResult>
