/** One delivery of an item: it is the holder's as long as the server has this token with this item. */
export interface Claim {
  readonly id: string
  readonly token: string
}

/** An item that was claimed. */
export interface ClaimedItem extends Claim {
  readonly body: Uint8Array
  /** The how manieth delivery of the item this is. */
  readonly attempt: number
}

export interface PutAnswer {
  /** How many of the items were put: the first ones. */
  readonly accepted: number
  readonly isClosed: boolean
}

export interface ClaimAnswer {
  /** In their order. */
  readonly items: readonly ClaimedItem[]
  /** It was closed, and nothing is left in it, nor can anything come back. */
  readonly isOver: boolean
  /** Milliseconds until the next claim of anybody ends, if nobody renews it; Infinity: there is none. */
  readonly nextEnd: number
}

export interface QueueState {
  readonly waiting: number
  readonly claimed: number
  readonly deadLetters: number
  readonly isClosed: boolean
}

/** Who is told when there is something to take, or room. */
export type WaiterKind = 'getter' | 'putter'

/** What one object asks for. Numbers count its requests of one kind: one that comes again has the same number. */
export interface NumberedRequest {
  readonly number: number
}

export interface PutRequest extends NumberedRequest {
  readonly bodies: readonly Uint8Array[]
  /** May be Infinity. */
  readonly capacity: number
  /** Whether to be told when there is room for those that had none. */
  readonly mayWait: boolean
}

export interface ClaimRequest extends NumberedRequest {
  readonly most: number
  /** Milliseconds. */
  readonly lease: number
  /** May be Infinity. */
  readonly maxDeliveries: number
  /** Whether to be told when there is more, if there is less than `most`. */
  readonly mayWait: boolean
}

/**
 * What the server keeps of one queue, as one object of one process uses it. Each method is one step there, and one round trip.
 *
 * Invariant: each of them can be sent again when its answer was lost. Puts, claims and acknowledgements are numbered by the
 * object for that, and the server remembers the last one of each kind; so only one of a kind may be on its way at a time.
 * Invariant: the server's clock decides whose claim has ended; every step first takes back those that have.
 * Invariant: who is told that there is something is taken off the list of those who wait: one for each item or place.
 */
export interface QueueStore {
  put(request: PutRequest): Promise<PutAnswer>
  claim(request: ClaimRequest): Promise<ClaimAnswer>
  /** Takes them off for good; resolves with the places of those in the list which are held no more. */
  acknowledge(request: NumberedRequest & { readonly claims: readonly Claim[] }): Promise<readonly number[]>
  /** Resolves with the places of those in the list which are held no more. */
  renew(claims: readonly Claim[], lease: number): Promise<readonly number[]>
  /** They can be taken again, in their old places. Those that are held no more stay as they are. */
  giveBack(claims: readonly Claim[], options: { readonly isDelivered: boolean }): Promise<void>
  /** This object does not wait any more. If it was just told that there is something, another one is told. */
  leave(kind: WaiterKind): Promise<void>
  close(): Promise<void>
  state(): Promise<QueueState>
  /** Resolves with how many were waiting. */
  clear(): Promise<number>
  destroy(): Promise<void>
  deadLetters(most: number): Promise<readonly { readonly body: Uint8Array; readonly attempt: number }[]>
  retryDeadLetters(): Promise<number>
  clearDeadLetters(): Promise<number>
}

/** How often one who waits looks, in case that a notice was lost. */
export const lookMs = 1_000

/** Whoever waits and has not looked for so long is passed over: it is dead, or far away. */
export const patienceMs = 3 * lookMs

/** How long the server remembers the last requests of an object. */
export const memoryMs = 3_600_000
