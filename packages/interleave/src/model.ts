import type { Steps } from './steps.js'

/**
 * What is checked: shared memory, the threads that work on it, what must hold, and what may go wrong.
 *
 * The functions in it must depend on nothing but their arguments and the results of their own steps: a thread is run many
 * times, in parts, and in any order. Threads that share a variable of JavaScript are not seen to share it.
 */
export interface Model {
  /**
   * The words, each of 32 bits: how many there are, all 0; or their first values; or their names and first values, in the
   * order of their indexes.
   */
  readonly memory: number | readonly number[] | Readonly<Record<string, number>>
  /** The pseudo-threads by name, 1 to 26. */
  readonly threads: Readonly<Record<string, Thread>>
  /**
   * Must hold at the start and after every step. It holds unless it returns `false` or a text that says what is wrong, or
   * throws.
   */
  invariant?(snapshot: Snapshot): Judgement
  /** Must hold when all threads have finished or were killed; `results` has what they returned, undefined for the killed. */
  final?(snapshot: Snapshot, results: Readonly<Record<string, unknown>>): Judgement
  /** What may happen to the threads from outside. Default: nothing. */
  readonly choices?: Choices | undefined
  /**
   * Waits come in slices: when no thread can do anything, one that sleeps may wake up by itself and look. It does so once in
   * the same situation, so that a sleep which nothing would end is still a deadlock. Default: false.
   */
  readonly slicedWaits?: boolean | undefined
  /** What the system does when a thread is killed, as part of the same step. */
  onKill?(memory: KernelMemory, name: string): void
}

/** A pseudo-thread: a generator function that gets its participant number, or that and a number of your choice. */
export type Thread = ThreadFunction | { readonly run: ThreadFunction; readonly participant: number }
/** Default for `participant`: 1 for the first thread, 2 for the second, and so on. */
export type ThreadFunction = (participant: number) => Steps<unknown>

/** What a check says: `true` or nothing: it holds; `false` or a text that says what is wrong: it does not. */
export type Judgement = boolean | string | undefined

/** What a check sees. It is good during the call only. */
export interface Snapshot {
  /** A copy of the words. */
  readonly memory: Int32Array
  /** What the named thread does. */
  readonly status: (name: string) => ThreadStatus
  /** The state at the last checkpoint of the named thread; undefined without one, and after its end. */
  readonly checkpoint: (name: string) => unknown
}

/** `spinning`: after a spin hint that memory has not changed since. */
export type ThreadStatus = 'ready' | 'sleeping' | 'spinning' | 'finished' | 'killed'

/** How often each of these may happen in one schedule. Default: never. */
export interface Choices {
  /** A thread that sleeps gives up. */
  readonly timeouts?: Timeouts | undefined
  /** A thread that sleeps, or that was woken and has not run since, gives up; in the second case the wake-up is lost. */
  readonly aborts?: Budget | undefined
  /** A thread ends for ever, between any two steps. One that was woken and had not run takes the wake-up with it. */
  readonly kills?: Budget | undefined
  /** A thread that sleeps wakes up without having been notified. */
  readonly spurious?: Budget | undefined
}

/** How often at most, and to which threads it can happen; a number alone means any thread. */
export type Budget = number | { readonly budget: number; readonly threads?: readonly string[] | undefined }

/**
 * `certain`: the time of these threads is up in any case when nothing else can happen, which the budget does not count; a
 * sleep of theirs is never a deadlock. Without it nobody can rely on a time-out: a sleep that only a time-out would end is
 * a deadlock.
 */
export type Timeouts =
  | number
  | {
      readonly budget: number
      readonly threads?: readonly string[] | undefined
      readonly certain?: boolean | undefined
    }

/** The shared memory as the system sees it when it cleans up after a killed thread. */
export interface KernelMemory {
  /** The words themselves: what is written here is written. */
  readonly words: Int32Array
  /** Wakes up to `count` threads that sleep on the word; returns how many. */
  readonly notify: (index: number, count: number) => number
}
