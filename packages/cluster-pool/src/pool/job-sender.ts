import type { ClusterJob } from './cluster-job.js'
import type { TaskQueue } from './task-queue.js'

const mostTogether = 500

/** Something else that is done in the order of the tasks, such as a pause. */
type Step = () => Promise<void>

export interface JobSenderEvents {
  onStored(job: ClusterJob): void
  onFailure(job: ClusterJob, error: unknown): void
}

/**
 * Has tasks stored in the order in which they come, many at a time.
 *
 * Invariant: one request is under way at a time, so that the server sees tasks, pauses and resumes in their order.
 * Invariant: a job that has settled before its turn is not sent.
 */
export class JobSender {
  readonly #queue: TaskQueue
  readonly #ready: () => Promise<void>
  readonly #events: JobSenderEvents
  #line: (ClusterJob | Step)[] = []
  #sending: Promise<void> | undefined

  /** @param ready - resolves when answers can be heard */
  constructor(queue: TaskQueue, ready: () => Promise<void>, events: JobSenderEvents) {
    this.#queue = queue
    this.#ready = ready
    this.#events = events
  }

  send(job: ClusterJob): void {
    this.#line.push(job)
    this.#start()
  }

  /** Resolves when all that came before was sent, and then this was done; rejects with what it fails with. */
  after(step: Step): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#line.push(() => step().then(resolve, reject))
      this.#start()
    })
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#sending) await this.#sending
  }

  #start(): void {
    // What comes in the same turn goes along.
    this.#sending ??= Promise.resolve().then(() => this.#sendAll())
  }

  async #sendAll(): Promise<void> {
    while (this.#line.length > 0) {
      const [first] = this.#line
      if (typeof first === 'function') {
        this.#line.shift()
        await first()
      } else await this.#sendJobs()
    }
    this.#sending = undefined
  }

  async #sendJobs(): Promise<void> {
    const step = this.#line.findIndex((item) => typeof item === 'function')
    const most = Math.min(step < 0 ? this.#line.length : step, mostTogether)
    const jobs = (this.#line.splice(0, most) as ClusterJob[]).filter((job) => !job.isSettled)
    if (jobs.length === 0) return
    for (const job of jobs) job.state = 'sending'
    try {
      await this.#ready()
      await this.#queue.add(jobs.map(({ stored }) => stored))
    } catch (error) {
      for (const job of jobs) this.#events.onFailure(job, error)
      return
    }
    for (const job of jobs) this.#events.onStored(job)
  }
}
