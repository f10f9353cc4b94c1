import type { Slot, TaskCall } from '@heddle/pool-core'

/** A slot that runs nothing: what it answers, when it is up and when its kill is over is for the test to say. */
export declare class ControlledSlot implements Slot {
  /** The call under way, by its first argument; undefined while there is none. */
  readonly running: unknown
  readonly killing: boolean
  readonly closed: number
  ready(): Promise<void>
  run(call: TaskCall): Promise<never>
  kill(): Promise<void>
  close(): Promise<void>
  /** The worker is up: until then `ready` waits. Only of slots that start down. */
  up(): void
  answer(result: unknown): void
  throwing(error: unknown): void
  /** A reply as it comes from a worker, whatever it is. */
  reply(reply: unknown): void
  /** The worker has ended under its call. */
  crash(error: unknown): void
  /** The kill is over. */
  killed(): void
}

export declare class ControlledSlots {
  /** In the order in which the pool has asked for them. */
  readonly slots: readonly ControlledSlot[]
  /** The first arguments of all calls so far, in the order in which they began. */
  readonly begun: readonly unknown[]
  /** What no pool may do to a slot, if it was done. */
  readonly violations: readonly string[]
  constructor(options?: { readonly startsDown?: boolean; readonly killsAtOnce?: boolean })
  readonly create: () => ControlledSlot
  /** The slot that runs the call with this first argument. */
  runs(argument: unknown): ControlledSlot
}

/** Lets all promises settle that can, whatever the clock says. */
export declare function settled(): Promise<void>
