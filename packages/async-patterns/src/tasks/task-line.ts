import type { ManagedTask } from './managed-task.js'
import { PriorityLine } from './priority-line.js'

/**
 * The tasks that have not begun: a queue with a bound, and before it those that wait for room in it.
 *
 * Invariant: the queue holds at most `maxQueued` tasks, and tasks wait for room only while it is full.
 */
export class TaskLine {
  readonly #maxQueued: number
  readonly #queue = new PriorityLine<ManagedTask>()
  readonly #room = new PriorityLine<ManagedTask>()

  constructor(maxQueued: number) {
    this.#maxQueued = maxQueued
  }

  get queued(): number {
    return this.#queue.size
  }

  get waitingForRoom(): number {
    return this.#room.size
  }

  get isEmpty(): boolean {
    return this.#queue.size === 0 && this.#room.size === 0
  }

  get isFull(): boolean {
    return this.#queue.size >= this.#maxQueued
  }

  /** Whose turn is next: without a queue that is one that waits for room. */
  get head(): ManagedTask | undefined {
    return this.#queue.head ?? this.#room.head
  }

  /** Of the queued tasks of the lowest priority the one that has waited longest. */
  get oldestOfLowest(): ManagedTask | undefined {
    return this.#queue.oldestOfLowest
  }

  /** There must be room. */
  enqueue(task: ManagedTask): void {
    task.state = 'queued'
    this.#queue.push(task)
    admitted(task)
  }

  waitForRoom(task: ManagedTask): void {
    task.state = 'room'
    this.#room.push(task)
  }

  /** Takes a task out, to begin it or to give it up; those that wait for room move up. */
  remove(task: ManagedTask): void {
    if (task.state === 'room') {
      this.#room.remove(task)
      return
    }
    this.#queue.remove(task)
    while (!this.isFull) {
      const next = this.#room.head
      if (next === undefined) return
      this.#room.remove(next)
      this.enqueue(next)
    }
  }

  /** Takes all tasks out, one after another. */
  *removeAll(): Generator<ManagedTask, void, void> {
    // Those that wait for room first: they would move up.
    for (const line of [this.#room, this.#queue])
      for (let task = line.head; task !== undefined; task = line.head) {
        line.remove(task)
        yield task
      }
  }
}

/** Tells whoever submitted the task that it is in; only the first call does. */
export function admitted(task: ManagedTask): void {
  const { submission } = task
  if (submission === undefined || submission.isAdmitted) return
  submission.isAdmitted = true
  submission.onAdmitted()
}
