export interface HistoryRow {
  readonly object: string
  readonly operations: number
  readonly verdict: 'linearizable' | 'not linearizable' | 'undecided'
  /** The shortest beginning of a history that has no explanation. */
  readonly counterexample?: { readonly seed: number; readonly operations: number; readonly text: string }
}

/**
 * Records `rounds` histories of three threads for each object, and checks each against what the object would do if one
 * operation came after the other.
 *
 * @param only - names of objects; 'racy counter', 'racy mutex' and 'racy event' are wrong on purpose
 */
export declare function checkHistories(options: {
  rounds: number
  seed: number
  only?: readonly string[]
}): Promise<HistoryRow[]>
