import type { Memory } from '@heddle/sync-primitives'

/** What a case gets beside the package. */
interface PortableContext {
  /**
   * Starts a second thread that calls the function `name` of the module with the package's exports and with `data`, which
   * crosses by structured clone. The runner ends every thread.
   */
  startWorker(moduleUrl: string, name: string, data: unknown): { readonly result: Promise<unknown> }
  /** Where the objects of the case are made, and the words beside them. Default: the thread's own memory. */
  readonly memory?: Memory | undefined
  /** A timer that does not keep the program alive. */
  later(work: () => void, ms: number): void
}

export interface PortableCase {
  /** A claim; unique in its package. */
  readonly name: string
  /** Whether nothing but the case itself may keep the program alive while it runs; the runner sets no time limit then. */
  readonly alone?: boolean
  readonly run: (context: PortableContext) => unknown
}

export const cases: readonly PortableCase[]
