import type { ChildProcess, ForkOptions } from 'node:child_process'
import type { SharedObjectHandle } from '@heddle/ipc-channels'
import type { Memory } from '@heddle/sync-primitives'

interface Shared {
  toHandle(): SharedObjectHandle
}

/** A process, or a thread of this one, that does with ends of pipes what the test tells it. It blocks when it is told to. */
export interface PipePeer {
  readonly pid: number
  /** Of a process. */
  readonly child: ChildProcess
  /** When it has: the signal that ended it, or its exit code. */
  readonly ended: Promise<string | number>
  /** Does one operation of fixtures/pipe-peer.mjs. Rejects with the error's name, code and message, or when it ends. */
  run<Result = unknown>(operation: string, parameters?: object): Promise<Result>
  /** Opens an end: it belongs to the peer from then on. */
  open(name: string, end: Shared): Promise<PipePeer>
  /** Calls a method of an end. */
  call<Result = unknown>(name: string, method: string, ...args: unknown[]): Promise<Result>
  /** Sends a signal to a process. */
  signal(name: NodeJS.Signals): void
  /** Kills a process by SIGKILL, terminates a thread; resolves when it has ended. */
  kill(): Promise<string | number>
}

export function startProcess(options?: ForkOptions): PipePeer
export function startThread(): PipePeer

/** Of a one-way pipe: whether its receiver, or its sender, sleeps or is about to. `memory`: the segment that it is in. */
export function isReceiverAsleep(end: Shared, memory?: Memory): boolean
export function isSenderAsleep(end: Shared, memory?: Memory): boolean
/** From now on the two tell of those only that begin to sleep later, or sleep on after a slice of time. */
export function forgetSleepers(end: Shared, memory?: Memory): void
export function recordsInside(end: Shared, memory?: Memory): number
export function recordsTaken(end: Shared, memory?: Memory): number
/** From the tag on. */
export function wordsOfPipe(end: Shared, memory?: Memory): Int32Array

/** Waits for a state. Rejects when it does not come. */
export function until(condition: () => boolean, what: string): Promise<void>
