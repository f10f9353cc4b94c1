/** One call of a recorded history: what it gave, and when it began and ended on one clock of all threads. */
export interface RecordedCall {
  readonly call: 'put' | 'putSync' | 'tryPut' | 'get' | 'getSync' | 'tryGet' | 'close'
  readonly item?: number
  /** true or the item: done; false: full or empty; 'closed'. */
  readonly outcome: boolean | number | 'closed' | undefined
  readonly begun: number
  readonly ended: number
}

/**
 * Whether some order of the calls, in which none comes before another that had ended when it began, gives the same outcomes
 * with a plain bounded queue that is used by one thread. `threads` are the calls of each thread, in order.
 */
export declare function isLinearizable(threads: readonly (readonly RecordedCall[])[], capacity: number): boolean
