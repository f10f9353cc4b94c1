/** What is asked for one acquisition; asked again, it is the same one. */
export interface LeaseRequest {
  /** Random, of one acquisition. */
  readonly id: string
  readonly permits: number
  /** Milliseconds. */
  readonly lease: number
  /** Whether to stand in line when there is nothing to be had. */
  readonly mayWait: boolean
}

/** Either a token: it is held from now on; or after how many milliseconds something may have ended. */
export type LeaseAnswer = { readonly token: bigint } | { readonly token: undefined; readonly waitMs: number }

export interface LeaseState {
  /** Permits that are held. */
  readonly used: number
  /** All that there are. */
  readonly bound: number
  readonly waiters: number
}

/** What the server keeps of one lock or semaphore: each method is one step there, and can be sent again. */
export interface LeaseStore {
  /** Of the notices: each names the one who may go next. */
  readonly channel: string
  /** Whether of two requests that are sent one after the other the second may arrive first. */
  readonly mayOvertake: boolean
  /** @throws (rejects) RangeError `ERR_OUT_OF_RANGE`: others use the same name with another number of permits */
  ask(request: LeaseRequest): Promise<LeaseAnswer>
  /** Resolves with false when it is not held any more; nothing has changed then. */
  renew(id: string, lease: number): Promise<boolean>
  /** Gives back what is held by that acquisition, and takes it out of the line. */
  release(id: string): Promise<void>
  /** The bound is that of this store when nobody holds or awaits any. */
  state(): Promise<LeaseState>
}

/** How often one who waits looks, in case that a notice was lost. */
export const lookMs = 1_000

/** Whoever waits and has not looked for so long is taken out of the line: it is dead, or far away. */
export const patienceMs = 3 * lookMs
