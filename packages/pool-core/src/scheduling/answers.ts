import { decodeValue, type Encoded } from '@heddle/codec'
import type { BatchDoneMessage, DoneMessage } from '../protocol.js'
import type { Envelope } from './envelope.js'
import type { Job } from './job.js'
import type { JobBook } from './job-book.js'
import type { SchedulerStats } from './scheduler-stats.js'

/** Settles jobs by what their workers answer. */
export class Answers {
  readonly #stats: SchedulerStats
  readonly #book: JobBook
  readonly #putBack: (jobs: readonly Job[]) => void

  /** @param putBack - has jobs run again */
  constructor(stats: SchedulerStats, book: JobBook, putBack: (jobs: readonly Job[]) => void) {
    this.#stats = stats
    this.#book = book
    this.#putBack = putBack
  }

  /** Of one run by itself. */
  settle(envelope: Envelope, { ok, outcome, ms }: DoneMessage): void {
    const [job] = envelope.jobs as [Job]
    envelope.task.noteRuns(1, ms)
    if (job.isSettled || job.envelope !== envelope) return
    this.#stats.runTimes.record(ms)
    let isGood = ok
    let value: unknown
    try {
      value = decodeValue(outcome)
    } catch (error) {
      isGood = false
      value = error
    }
    if (isGood) this.#book.settle(job, 'succeeded', value)
    else if (!this.#mayTryAgain(job)) this.#book.settle(job, 'failed', value)
    else this.#putBack([job])
  }

  /** Of some runs of an envelope that they share. */
  settleSome(envelope: Envelope, message: BatchDoneMessage): void {
    const { from, count, ms } = message
    if (count === from) return
    envelope.task.noteRuns(count - from, ms)
    this.#stats.runTimes.record(ms / (count - from), count - from)
    envelope.answered = count
    const { values, failures } = decoded(message)
    const [first] = envelope.jobs as [Job]
    if (first.chunk === undefined) this.#settleJobs(envelope, from, count, values, failures)
    else if (!first.isSettled) {
      this.#stats.count('succeeded', count - from - failures.length)
      this.#stats.count('failed', failures.length)
      first.chunk.sink.onValues(first.chunk.offset + from, values, count - from, failures)
    }
  }

  #settleJobs(
    envelope: Envelope,
    from: number,
    count: number,
    values: ArrayLike<unknown>,
    failures: readonly Failure[],
  ): void {
    const failed = new Map(failures)
    const again: Job[] = []
    for (let index = from; index < count; index += 1) {
      const job = envelope.jobs[index] as Job
      if (job.isSettled || job.envelope !== envelope) continue
      const place = index - from
      if (!failed.has(place)) this.#book.settle(job, 'succeeded', values[place])
      else if (this.#mayTryAgain(job)) again.push(job)
      else this.#book.settle(job, 'failed', failed.get(place))
    }
    this.#putBack(again)
  }

  /** Of a job that has failed; counts the attempt. */
  #mayTryAgain(job: Job): boolean {
    if (!job.mayRunTwice || job.errors >= job.retries.errors) return false
    job.errors += 1
    job.attempt += 1
    return true
  }
}

type Failure = readonly [place: number, error: unknown]

function decodedError(error: Encoded): unknown {
  try {
    return decodeValue(error)
  } catch (problem) {
    return problem
  }
}

/** A result that cannot be opened here has failed, and only that one. */
function decoded({ from, values, encoded = [], errors = [] }: BatchDoneMessage): {
  readonly values: ArrayLike<unknown>
  readonly failures: readonly Failure[]
} {
  const failures: Failure[] = errors.map(([index, error]) => [index - from, decodedError(error)])
  if (encoded.length === 0) return { values, failures }
  const all: unknown[] = Array.from(values)
  for (const [index, value] of encoded)
    try {
      all[index - from] = decodeValue(value)
    } catch (error) {
      failures.push([index - from, error])
    }
  return { values: all, failures: failures.toSorted(([place], [other]) => place - other) }
}
