/** What a task can know of its run, and tell while it runs. */
export interface TaskContext {
  /** The id that `submitTask` gave out; undefined: it was not submitted. */
  readonly id: string | undefined
  /** 1, and more after each retry. */
  readonly attempt: number
  /**
   * Aborts, with the caller's reason, when nobody waits for the task any longer. Whoever asks for it says that the task will
   * end by itself then: its worker is only ended when it has not within the pool's `abortGrace`. Otherwise it is ended at once.
   */
  readonly signal: AbortSignal
  /**
   * The same for loops that never return to the event loop: in a thread it is seen at once, in a process such a loop is ended
   * after `abortGrace`. To ask says the same as to ask for the signal.
   */
  readonly isAborted: boolean
  /**
   * Tells the caller's `onProgress` a value; does nothing where nobody listens. Does not block.
   *
   * @throws NotCloneableError `ERR_NOT_CLONEABLE`: the value cannot be sent
   */
  readonly progress: (value: unknown) => void
}

interface Current {
  /** Gives that of the task that runs: made when it asks. */
  context: (() => TaskContext) | undefined
}

/** Shared by all copies of this package in the thread. */
const current: Current = (() => {
  const key = Symbol.for('heddle.task-context')
  const globals = globalThis as unknown as Record<symbol, Current | undefined>
  globals[key] ??= { context: undefined }
  return globals[key]
})()

const neverAborts = new AbortController().signal

/** For a task that is called directly: nobody listens, and nobody can abort it. */
const aloneContext: TaskContext = Object.freeze({
  id: undefined,
  attempt: 1,
  signal: neverAborts,
  isAborted: false,
  progress: () => undefined,
})

/**
 * The context of the task that runs in this thread. Ask for it at the beginning of the task and keep it: after an `await`, what
 * a task has left behind could ask in the middle of the next one. Outside of a pool it is one whose signal never aborts, so a
 * task can always be called directly. Does not block.
 */
export function taskContext(): TaskContext {
  return current.context?.() ?? aloneContext
}

/** For the worker's side. */
export function enterContext(context: (() => TaskContext) | undefined): void {
  current.context = context
}
