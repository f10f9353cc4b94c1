/**
 * What a pseudo-thread may do to shared memory: it yields one of these steps and gets back what the step found. Everything
 * between two steps is local, takes no time, and nobody else can come in between.
 *
 * step            · what it gets back
 * load            · the value
 * store           · 0
 * compareExchange · the old value; the new one was stored if that is `expected`
 * exchange, add   · the old value
 * wait            · `WOKEN` or `GAVE_UP`
 * notify          · the number of threads it has woken
 * isDead          · 1 if the thread with that participant number was killed, otherwise 0
 * checkpoint      · 0
 * yield           · 0
 */
export type Step =
  | { readonly op: 'load'; readonly index: number }
  | { readonly op: 'store'; readonly index: number; readonly value: number }
  | { readonly op: 'compareExchange'; readonly index: number; readonly expected: number; readonly value: number }
  | { readonly op: 'exchange'; readonly index: number; readonly value: number }
  | { readonly op: 'add'; readonly index: number; readonly value: number }
  | { readonly op: 'wait'; readonly index: number; readonly expected: number }
  | { readonly op: 'notify'; readonly index: number; readonly count: number }
  | { readonly op: 'isDead'; readonly participant: number }
  | { readonly op: 'checkpoint'; readonly state: CheckpointState }
  | { readonly op: 'yield' }

/** A pseudo-thread at work: a generator that yields steps and is resumed with what each of them found. */
export type Steps<Result> = Generator<Step, Result, number>

/** What a checkpoint remembers: one plain value, or a short list of them. Two are the same if their values are. */
export type CheckpointState = CheckpointValue | readonly CheckpointValue[]
export type CheckpointValue = string | number | bigint | boolean | null | undefined

/** The wait is over, or the word did not hold the expected value: the thread must look again. */
export const WOKEN = 0
/** The thread's time was up or its wait was aborted. A wake-up may have been lost on it. */
export const GAVE_UP = 1

/** Reads a word. */
export const load = (index: number): Step => ({ op: 'load', index })

/** Writes a word. */
export const store = (index: number, value: number): Step => ({ op: 'store', index, value })

/** Writes a word if it holds `expected`; gets back what it held. */
export const compareExchange = (index: number, expected: number, value: number): Step => ({
  op: 'compareExchange',
  index,
  expected,
  value,
})

/** Writes a word and gets back what it held. */
export const exchange = (index: number, value: number): Step => ({ op: 'exchange', index, value })

/** Adds to a word, wrapping around at 32 bits, and gets back what it held. */
export const add = (index: number, value: number): Step => ({ op: 'add', index, value })

/** Sleeps on a word if it holds `expected`; to look and to fall asleep is one step. Those who sleep on a word form a queue. */
export const wait = (index: number, expected: number): Step => ({ op: 'wait', index, expected })

/** Wakes up to `count` threads that sleep on a word, those first who have slept longest; gets back how many. */
export const notify = (index: number, count: number): Step => ({ op: 'notify', index, count })

/** Asks whether the thread with that participant number was killed. A number that no thread has is not dead. */
export const isDead = (participant: number): Step => ({ op: 'isDead', participant })

/**
 * Changes nothing and is no point at which others can come in: a promise that all of this thread's past that still matters,
 * the place in its code included, is `state`. At the head of a loop it makes the loop finite for the search.
 */
export const checkpoint = (state: CheckpointState): Step => ({ op: 'checkpoint', state })

/**
 * Changes nothing: a promise that this thread, having looked around since its last hint, can do nothing but the same again
 * until somebody changes memory. It is not scheduled before that.
 */
export const spinHint = (): Step => ({ op: 'yield' })
