/**
 * How a pool and a worker thread agree, without a message, on which runs have begun, and what was asked of them.
 *
 * Shared words of one worker, an Int32Array:
 *
 * | word | value | meaning |
 * |---|---|---|
 * | 0 to 3 | bits 0 to 29 | how many items of the envelope with number n, n mod 4 = this word, have begun |
 * |        | bit 30 | taken back: no further item of it begins |
 * | 4 | id of a call, low 31 bits | the call that was aborted last; a task that loops can see it without a turn of its event loop |
 * | 5 | id of a call, low 31 bits | the call that has asked last whether it is aborted: a message of it may come later than what the task does next |
 *
 * **Invariant**: an item begins only by a compare-and-swap that counts it, and the pool takes back only by one that sets the
 * bit; so an item that was taken back never begins, and one that has begun is never given to another worker. The items of an
 * envelope begin one after another, each when the one before it has settled: with a count of n, n − 1 have settled.
 *
 * **Invariant**: at most two envelopes are on their way to a worker, so a word is not in use when its next envelope is sent.
 *
 * **Source**: the claim of a slot in a bounded work queue, as in Chase and Lev's work-stealing deque (2005), with a count for
 * the top and no growth. **Differs**: one thief, which takes all that is left or nothing.
 */
const claimWordCount = 8

const envelopeWords = 4
const abortWord = 4
const listeningWord = 5
const takenBack = 1 << 30

export function createClaimWords(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(claimWordCount * Int32Array.BYTES_PER_ELEMENT))
}

/** The pool: before it sends the envelope. */
export function resetClaims(words: Int32Array, envelope: number): void {
  Atomics.store(words, envelope % envelopeWords, 0)
}

/** The worker: whether the item may begin. Items are claimed in their order. */
export function claim(words: Int32Array, envelope: number, item: number): boolean {
  return Atomics.compareExchange(words, envelope % envelopeWords, item, item + 1) === item
}

/** The pool: how many items have begun. */
export function begunOf(words: Int32Array, envelope: number): number {
  return Atomics.load(words, envelope % envelopeWords) & ~takenBack
}

/** The pool: from now on no item begins. Returns how many have. */
export function takeBackRest(words: Int32Array, envelope: number): number {
  return Atomics.or(words, envelope % envelopeWords, takenBack) & ~takenBack
}

const callId = (id: number) => id & 0x7fff_ffff

/** The pool. */
export function markAborted(words: Int32Array, id: number): void {
  Atomics.store(words, abortWord, callId(id))
}

/** The worker, for the call that it runs. Ids begin at 1: a fresh word names no call. */
export function isMarkedAborted(words: Int32Array, id: number): boolean {
  return Atomics.load(words, abortWord) === callId(id)
}

/** The worker, for the call that it runs. */
export function markListening(words: Int32Array, id: number): void {
  Atomics.store(words, listeningWord, callId(id))
}

/** The pool. */
export function isMarkedListening(words: Int32Array, id: number): boolean {
  return Atomics.load(words, listeningWord) === callId(id)
}
