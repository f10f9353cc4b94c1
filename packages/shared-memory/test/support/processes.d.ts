import type { Segment, SegmentOptions } from '@heddle/shared-memory'
import type { SharedObjectHandle } from '@heddle/sync-primitives'

interface Shared {
  toHandle(): SharedObjectHandle
}

/** How a call ended, and after how many milliseconds. */
export interface CallOutcome {
  readonly value?: unknown
  /** Of the error that it threw. */
  readonly code?: string
  readonly waited: number
}

/** A process, or a thread of this one, that does what the test tells it. It blocks when it is told to. */
export interface Peer {
  /** Of its process. */
  readonly pid: number
  /** When it has: the signal that ended it, or its exit code. */
  readonly ended: Promise<string | number>
  /** Does one operation of fixtures/processes/peer.mjs. Rejects with the error's name, code and message, or when it ends. */
  run<Result = unknown>(operation: string, parameters?: object): Promise<Result>
  /** Opens objects under these names; `options` as `fromHandle` takes them. */
  open(objects: Record<string, Shared>, options?: object): Promise<Peer>
  /** Calls a method. It keeps the guard that it gets, and gives `{ ownerDied }` for one. */
  call<Result = unknown>(name: string, method: string, ...args: unknown[]): Promise<Result>
  /** Calls a method of a process, without arguments, that waits; resolves when it is asleep. `mark` is a word for it alone. */
  sleepOn(name: string, method: string, mark: Int32Array): Promise<{ readonly ending: Promise<unknown> }>
  /** As `call`, never rejects. */
  outcome(name: string, method: string, ...args: unknown[]): Promise<CallOutcome>
  /** Calls a method of the guard that it got last; `release` takes it away. */
  guard(name: string, method: string): Promise<unknown>
  /** Sends a signal to a process. */
  signal(name: NodeJS.Signals): void
  /** Kills a process by SIGKILL, terminates a thread; resolves when it has ended. */
  kill(): Promise<string | number>
}

/** A segment for the tests of one file, and others who use it. All of them are ended after the last test. */
export interface SetUp {
  readonly segment: Segment
  /** Other processes, which have opened these objects. Those that are idle after a test serve the next one. */
  readonly start: (count: number, objects?: Record<string, Shared>, options?: object) => Promise<Peer[]>
  /** The same as threads of this process. */
  readonly startThreads: (count: number, objects?: Record<string, Shared>, options?: object) => Promise<Peer[]>
  /** Zeroed words of the segment, beside the objects. */
  readonly words: (count: number) => Int32Array<ArrayBufferLike>
}

/** To be called once, at the top of a test file. */
export function setUp(options?: Partial<SegmentOptions>): SetUp

/** Waits for a state. Rejects when it does not come. */
export function until(condition: () => boolean, what: string): Promise<void>

export function quickest(values: readonly number[]): number
