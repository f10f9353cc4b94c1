/** How a task behaves: when it is run, and when it is cancelled while it runs. */
export interface Behaviour {
  /** `later`: ends when it is told to. */
  readonly start: 'later' | 'value' | 'throw'
  /** `reason`: rejects with it; `AbortError`: with one of its own; `refused`: asks for another task; `clean-up`: that fails. */
  readonly whenCancelled: 'ignores' | 'reason' | 'AbortError' | 'refused' | 'clean-up' | 'value'
}

interface NaiveTask {
  readonly id: number
  readonly behaviour: Behaviour
  /** It has ended, and the group is told in its turn. */
  isOver: boolean
}

interface NaiveEnding {
  readonly id: number
  readonly how: string
  readonly isFailure: boolean
}

/** The obvious slow twin of a group: lists that are searched, one ending after another, and a clock moved by hand. */
export class NaiveTaskGroup {
  readonly begun: number[] = []
  /** By id: what the promise of the task has settled with. */
  readonly endings: Record<number, string> = {}
  running: NaiveTask[] = []
  waiting: NaiveTask[] = []
  cancelled: { readonly reason: string; readonly by: 'task' | 'outside' | 'owner' } | undefined
  readonly errors: string[] = []
  isClosed = false
  #isJoined = false
  readonly #endings: NaiveEnding[] = []
  readonly #maxConcurrent: number
  #left: number

  constructor(maxConcurrent: number, timeout: number) {
    this.#maxConcurrent = maxConcurrent
    this.#left = timeout
  }

  /** What every `join` so far has come to. */
  get joined(): string {
    if (!this.isClosed) return 'pending'
    if (this.errors.length > 0) return `errors: ${this.errors.join()}`
    return this.cancelled?.by === 'outside' ? this.cancelled.reason : 'done'
  }

  /** One for the time of the group, one for its tasks. */
  get timers(): number {
    const isTimed = this.#left !== Number.POSITIVE_INFINITY && this.cancelled === undefined && !this.isClosed
    return (isTimed ? 1 : 0) + (this.running.length > 0 ? 1 : 0)
  }

  run(id: number, behaviour: Behaviour): void {
    if (this.cancelled !== undefined || this.isClosed) this.endings[id] = 'ERR_CLOSED'
    else if (this.running.length < this.#maxConcurrent) this.#begin({ id, behaviour, isOver: false })
    else this.waiting.push({ id, behaviour, isOver: false })
  }

  /** Whether it was taken, or refused with an error. */
  tryRun(id: number, behaviour: Behaviour): boolean {
    if (this.running.length >= this.#maxConcurrent && this.cancelled === undefined) return false
    this.run(id, behaviour)
    return true
  }

  #begin(task: NaiveTask): void {
    this.begun.push(task.id)
    this.running.push(task)
    const { start } = task.behaviour
    if (start === 'value') this.#over(task, `value ${task.id}`, false)
    else if (start === 'throw') {
      // The group hears of that in the same step.
      task.isOver = true
      this.#land({ id: task.id, how: `error ${task.id}`, isFailure: true })
    }
  }

  #over(task: NaiveTask, how: string, isFailure: boolean): void {
    if (task.isOver) return
    task.isOver = true
    this.#endings.push({ id: task.id, how, isFailure })
  }

  finish(id: number, ok: boolean): void {
    const task = this.running.find((each) => each.id === id)
    if (task !== undefined) this.#over(task, `${ok ? 'value' : 'error'} ${id}`, !ok)
  }

  stop(reason: string, by: 'task' | 'outside' | 'owner'): void {
    if (this.cancelled !== undefined || this.isClosed) return
    this.cancelled = { reason, by }
    for (const { id } of this.waiting.splice(0)) this.endings[id] = reason
    for (const task of this.running) {
      const { whenCancelled } = task.behaviour
      if (whenCancelled === 'reason') this.#over(task, reason, false)
      else if (whenCancelled === 'AbortError') this.#over(task, 'AbortError', false)
      else if (whenCancelled === 'refused') this.#over(task, 'ERR_CLOSED', false)
      else if (whenCancelled === 'clean-up') this.#over(task, `clean-up ${task.id}`, true)
      else if (whenCancelled === 'value') this.#over(task, `value ${task.id}`, false)
    }
  }

  /** Tells the group of all that has ended, in the order it did, and of what ends because of that. */
  land(): void {
    for (let ending = this.#endings.shift(); ending !== undefined; ending = this.#endings.shift()) this.#land(ending)
    if (this.#isJoined && this.running.length === 0) this.isClosed = true
  }

  #land({ id, how, isFailure }: NaiveEnding): void {
    this.endings[id] = how
    if (isFailure) {
      this.errors.push(how)
      this.stop(how, 'task')
    }
    this.running = this.running.filter((task) => task.id !== id)
    const next = this.waiting.shift()
    if (next !== undefined) this.#begin(next)
  }

  join(): void {
    this.#isJoined = true
    if (this.running.length === 0) this.isClosed = true
  }

  pass(ms: number): void {
    this.#left -= ms
    if (this.#left <= 0) this.stop('ERR_TIMEOUT', 'outside')
  }
}
