import { decodeValue } from '@heddle/codec'
import { QueueFullError, TaskError } from '../errors.js'
import { reportError } from '../platform/report-error.js'
import type { Job } from './job.js'
import { LinkedList } from './linked-list.js'
import type { ReadyLine } from './ready-line.js'
import type { SchedulerOptions } from './scheduler-options.js'
import type { SchedulerStats } from './scheduler-stats.js'

/** What becomes of a job that comes when the line is full: it waits here, is refused, is dropped, or another is. */
export class WaitingRoom {
  readonly #options: SchedulerOptions
  readonly #stats: SchedulerStats
  readonly #line: ReadyLine
  readonly #freeWorkers: () => number
  readonly #giveUp: (job: Job, error: Error) => void
  readonly jobs = new LinkedList<Job>()

  /**
   * @param freeWorkers - how many jobs of the line will be taken out of it at once
   * @param giveUp - drops a job of the line
   */
  constructor(
    options: SchedulerOptions,
    stats: SchedulerStats,
    line: ReadyLine,
    freeWorkers: () => number,
    giveUp: (job: Job, error: Error) => void,
  ) {
    this.#options = options
    this.#stats = stats
    this.#line = line
    this.#freeWorkers = freeWorkers
    this.#giveUp = giveUp
  }

  /** Whether a job that comes now finds neither a free worker nor room to wait for one. */
  get isFull(): boolean {
    return this.jobs.size > 0 || !this.#hasRoom
  }

  /** Whether the line can take one more. What a free worker will take at once does not wait in it. */
  get #hasRoom(): boolean {
    const { maxQueued } = this.#options
    return this.#line.size < maxQueued || this.#line.size < maxQueued + this.#freeWorkers()
  }

  /** The next one that has waited, if there is room for it now. */
  shift(): Job | undefined {
    return this.jobs.size > 0 && this.#hasRoom ? this.jobs.shift() : undefined
  }

  /** When it is full and nobody waits: drops one of the line, or settles the new one. @returns whether there is room now */
  makeRoom(job: Job): boolean {
    const { whenFull, maxQueued, name } = this.#options
    const victim = whenFull === 'drop-oldest' ? this.#line.leastUrgent : undefined
    if (victim && victim.priority <= job.priority) {
      this.#drop(victim)
      return true
    }
    job.state = 'settled'
    if (whenFull === 'drop-oldest') {
      this.#stats.count('dropped')
      job.reject(new TaskError('ERR_TASK_DROPPED', 'the task was dropped: the queue was full'))
      this.#tell(job, argsOf(job))
    } else {
      this.#stats.count('refused')
      job.reject(new QueueFullError(argsOf(job), `the queue of ${name} is full: it holds ${maxQueued} tasks`))
    }
    return false
  }

  #drop(job: Job): void {
    const args = argsOf(job)
    const why = 'the task was dropped before it began: the queue was full, and it was the oldest in it'
    this.#giveUp(job, new TaskError('ERR_TASK_DROPPED', why))
    this.#tell(job, args)
  }

  #tell(job: Job, args: readonly unknown[]): void {
    const { onDropped } = this.#options
    if (onDropped) reportError(() => onDropped({ id: job.id, task: job.task.name, args }))
  }
}

/** As the caller gave them. Not of a job that has settled. */
function argsOf({ args }: Job): readonly unknown[] {
  return args ? (decodeValue(args) as readonly unknown[]) : []
}
