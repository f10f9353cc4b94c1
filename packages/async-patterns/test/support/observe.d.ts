/** Lets everything run that is due already; waits for no timer. */
export function drain(): Promise<void>

export interface Observed<Value> {
  state: 'pending' | 'fulfilled' | 'rejected'
  value?: Value
  reason?: unknown
}

/** What has become of a promise, to look at without waiting for it. */
export function observe<Value>(promise: Promise<Value>): Observed<Value>

/** The error that a rejected promise carries. */
export function rejectionOf(promise: Promise<unknown>): Promise<unknown>
