import type { ProducerConsumerReport } from '@heddle/ipc-channels'

export declare const never: Promise<never>

/** Whether each item that came into the system's hands has one fate. */
export declare function isBalanced(report: ProducerConsumerReport<unknown>): boolean

export declare function sorted(numbers: Iterable<number>): number[]

/** 0, 1, 2, … */
export declare function endless(): AsyncGenerator<number, void, undefined>

/** Something to wait for, and the way to let it go on. */
export declare function gate(): { readonly passed: Promise<void>; readonly open: () => void }

/** What pools are to a system, over worker threads; aborting ends a task with its thread. */
export declare class ThreadExecutor {
  /** How many tasks were ended by their signals. */
  readonly ended: number
  run(
    task: { readonly name: string },
    args: readonly unknown[],
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<unknown>
}
