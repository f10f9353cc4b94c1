import { channel } from '../platform/diagnostics.js'
import { DurationHistogram } from '../results/duration-histogram.js'
import type { Death } from '../slots/worker-link.js'
import type { WorkerSlot } from '../slots/worker-slot.js'
import type { Job, JobEnd } from './job.js'

const tasks = channel('task')
const workers = channel('worker')

/** Counts what a pool does, and tells it to whoever listens on the diagnostics channels. */
export class SchedulerStats {
  readonly waitTimes = new DurationHistogram()
  readonly runTimes = new DurationHistogram()
  readonly counts: Record<JobEnd, number> = {
    succeeded: 0,
    failed: 0,
    cancelled: 0,
    timedOut: 0,
    dropped: 0,
    refused: 0,
  }
  /** Workers that ended by themselves. */
  crashes = 0
  /** Runs that were sent and have not settled. */
  running = 0
  readonly #pool: string

  constructor(pool: string) {
    this.#pool = pool
  }

  count(how: JobEnd, times = 1): void {
    this.counts[how] += times
  }

  /** It was sent to a worker. */
  started(job: Job, now: number, queued: number): void {
    this.running += job.count
    if (job.chunk === undefined) this.waitTimes.record(now - job.since)
    this.publish(job, 'started', queued)
  }

  /** It is not with its worker any more, settled or to be sent again. */
  stopped(runs: number): void {
    this.running -= runs
  }

  publish(job: Job, event: string, queued: number): void {
    if (!tasks.hasSubscribers) return
    tasks.publish({
      event,
      pool: this.#pool,
      task: job.task.name,
      number: job.number,
      id: job.id,
      runs: job.count,
      attempt: job.attempt,
      running: this.running,
      queued,
    })
  }

  worker(event: 'started' | 'ended' | 'crashed', slot: WorkerSlot, death?: Death): void {
    if (event === 'crashed') this.crashes += 1
    if (!workers.hasSubscribers) return
    const { pid, threadId } = death ?? slot.link ?? {}
    workers.publish({ event, pool: this.#pool, pid, threadId, how: death?.how })
  }
}
