import type { Linked } from '../linked-list.js'
import type { Context } from '../platform/context.js'
import { roughNow } from '../platform/event-loop.js'
import { Settler } from '../settler.js'
import type { TaskScope } from './task-scope.js'

/** What a task is given that is run without arguments, and beside its item the task of a map. */
export interface TaskContext {
  /** Aborts when the task is cancelled, its time is over, its caller's signal aborts, or its manager is terminated. */
  readonly signal: AbortSignal
}

/** The limits of a task, checked. */
export interface TaskLimits {
  readonly priority: number
  readonly weight: number
  readonly timeout: number
  readonly queueTimeout: number
  readonly signal: AbortSignal | undefined
}

/** A function with any arguments. */
export type Body = (...args: never[]) => unknown

/** Who bounds the tasks. */
export interface TaskOwner {
  /** The scope of a task, which is made when it is first needed. */
  scopeOf(task: ManagedTask): TaskScope
}

/** What makes a task one that was submitted. */
export interface Submission {
  readonly id: string
  isAdmitted: boolean
  /** Called once, when the task is in the queue or begins. */
  onAdmitted(): void
}

/**
 * One call that a scheduler has taken on. A backlog costs the memory of these: nothing is kept in them that most do not need.
 *
 * states: new → room (waits for a place in the queue) → queued → running → ended. A running one that is aborted is `aborted`
 * until its body ends or is abandoned; the others end at once. Any step may be left out.
 *
 * Invariant: its promise settles when it becomes aborted or ended, whichever is first, and only then.
 * Invariant: it takes up its weight exactly while it is running or aborted.
 */
export class ManagedTask extends Settler<unknown> implements Linked<ManagedTask> {
  state: 'new' | 'room' | 'queued' | 'running' | 'aborted' | 'ended' = 'new'
  previous: ManagedTask | undefined = undefined
  next: ManagedTask | undefined = undefined
  /** The caller's async context; only of one that had to wait. */
  context: Context | undefined = undefined
  /** Made when the task has limits, or when its signal is asked for. */
  scope: TaskScope | undefined = undefined
  submission: Submission | undefined = undefined
  /** When it was taken on, and later when it began, roughly. */
  since = roughNow()
  readonly #body: Body
  /** What the body is called with; undefined: with a context. */
  readonly args: readonly unknown[] | undefined
  readonly limits: TaskLimits

  constructor(body: Body, args: readonly unknown[] | undefined, limits: TaskLimits) {
    super()
    this.#body = body
    this.args = args
    this.limits = limits
  }

  get priority(): number {
    return this.limits.priority
  }

  get isSettled(): boolean {
    return this.state === 'aborted' || this.state === 'ended'
  }

  /** Calls the body, in the async context of whoever asked for it. */
  call(owner: TaskOwner): unknown {
    return this.context === undefined ? this.#invoke(owner) : this.context.runInAsyncScope(() => this.#invoke(owner))
  }

  #invoke(owner: TaskOwner): unknown {
    const { args } = this
    return args === undefined
      ? (this.#body as (context: TaskContext) => unknown)(new ShownContext(this, owner))
      : (this.#body as (...args: unknown[]) => unknown)(...args)
  }
}

/** Shows a body the signal of its task and nothing else; an AbortController is made only when it looks. */
class ShownContext implements TaskContext {
  readonly #task: ManagedTask
  readonly #owner: TaskOwner

  constructor(task: ManagedTask, owner: TaskOwner) {
    this.#task = task
    this.#owner = owner
  }

  get signal(): AbortSignal {
    return this.#owner.scopeOf(this.#task).signal
  }
}
