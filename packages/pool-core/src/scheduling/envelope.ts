import type { TaskRecord } from '../tasks/task-record.js'
import type { Job } from './job.js'

/** What travels to a worker as one message: one run, runs of one task that are short, or a chunk of a map. */
export class Envelope {
  readonly id: number
  readonly task: TaskRecord
  readonly jobs: readonly Job[]
  /** How many runs. */
  readonly count: number
  readonly sentAt: number
  /** Whether the worker has not had this task before, and imports its module first. */
  readonly bringsTask: boolean
  /** How many of the runs have been answered. */
  answered = 0
  /** How many had begun when the rest was taken back; undefined: nothing was. */
  keptRuns: number | undefined = undefined
  /** The task of its only run has asked for its signal. A stream always hears that nobody reads it. */
  isListening: boolean
  /** Nobody waits for it any longer, and it is given time to end by itself. */
  stopGrace: (() => void) | undefined = undefined

  constructor(id: number, task: TaskRecord, jobs: readonly Job[], count: number, sentAt: number, bringsTask: boolean) {
    this.id = id
    this.task = task
    this.jobs = jobs
    this.count = count
    this.sentAt = sentAt
    this.bringsTask = bringsTask
    this.isListening = jobs[0]?.limits?.stream !== undefined
  }

  /** Whether it is one run and nothing else. */
  get isLone(): boolean {
    return this.jobs.length === 1 && this.jobs[0]?.chunk === undefined
  }
}
