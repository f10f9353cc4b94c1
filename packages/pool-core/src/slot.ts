import type { Encoded } from '@heddle/codec'
import type { TaskAddress } from './define-task.js'

/** A call on its way to a worker. */
export interface TaskCall {
  readonly task: TaskAddress
  readonly args: Encoded
}

/** What a worker answers, always: a task that throws is an answer, too. */
export interface TaskReply {
  readonly ok: boolean
  readonly outcome: Encoded
}

/**
 * One place where one task runs at a time: a worker thread or a child process, replaced by a new one when it ends.
 * A pool manager never hands a slot a call while another runs in it.
 */
export interface Slot {
  /** Resolves when the worker is up. Never rejects: a worker that cannot start fails the call instead. */
  ready(): Promise<void>
  /** Sends the call. Rejects with a BrokenError if the worker ends before it answers. */
  run(call: TaskCall): Promise<TaskReply>
  /** Ends the worker at once, whatever it does; its call rejects. The next `run` has a new worker. Never rejects. */
  kill(): Promise<void>
  /** Ends the worker for good. Never rejects. */
  close(): Promise<void>
}
