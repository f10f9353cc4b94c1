import type { Job } from './job.js'
import { LinkedList } from './linked-list.js'

/** What one level of priority is worth: so many milliseconds of waiting. */
const agingMs = 1_000

/**
 * The jobs that wait for a worker. Whoever came first is first; a level of priority counts as much as to have come a second
 * earlier. So a job of high priority passes those that wait, and none waits for ever: whatever comes more than a second per
 * level after it, stands behind it.
 *
 * The order never changes while jobs wait, since all of them age alike: it is that of the due times, which are the time of
 * submission less a second for each level.
 *
 * Invariant: jobs without priority stand in a list, in their order; all others in a binary heap by due time.
 */
export class ReadyLine {
  readonly #plain = new LinkedList<Job>()
  readonly #heap: Job[] = []

  get size(): number {
    return this.#plain.size + this.#heap.length
  }

  get head(): Job | undefined {
    const plain = this.#plain.first
    const [urgent] = this.#heap
    if (!plain || !urgent) return plain ?? urgent
    return isBefore(urgent, plain) ? urgent : plain
  }

  /** The one to be dropped first: of those with the lowest priority the one that has waited longest; none of a map. */
  get leastUrgent(): Job | undefined {
    let least = this.#plain.first
    while (least?.isOfMap) least = least.next
    for (const job of this.#heap)
      if (!least || job.priority < least.priority || (job.priority === least.priority && job.number < least.number))
        least = job
    return least
  }

  all(): Job[] {
    return [...this.#plain, ...this.#heap]
  }

  push(job: Job): void {
    job.state = 'queued'
    if (job.priority === 0) this.#plain.push(job)
    else this.#siftUp(this.#heap.push(job) - 1)
  }

  /** A job that was taken back stands where it stood: before all that came later. */
  pushBack(job: Job): void {
    job.state = 'queued'
    if (job.priority === 0) this.#plain.unshift(job)
    else this.#siftUp(this.#heap.push(job) - 1)
  }

  remove(job: Job): void {
    if (job.priority === 0) {
      this.#plain.delete(job)
      return
    }
    const at = job.heapIndex
    const last = this.#heap.pop() as Job
    job.heapIndex = -1
    if (last === job) return
    this.#heap[at] = last
    last.heapIndex = at
    this.#siftDown(at)
    this.#siftUp(last.heapIndex)
  }

  #siftUp(from: number): void {
    let at = from
    const job = this.#heap[at] as Job
    while (at > 0) {
      const parentAt = (at - 1) >>> 1
      const parent = this.#heap[parentAt] as Job
      if (!isBefore(job, parent)) break
      this.#put(parent, at)
      at = parentAt
    }
    this.#put(job, at)
  }

  #siftDown(from: number): void {
    let at = from
    const job = this.#heap[at] as Job
    for (;;) {
      let childAt = 2 * at + 1
      const right = this.#heap[childAt + 1]
      if (right && isBefore(right, this.#heap[childAt] as Job)) childAt += 1
      const child = this.#heap[childAt]
      if (!child || !isBefore(child, job)) break
      this.#put(child, at)
      at = childAt
    }
    this.#put(job, at)
  }

  #put(job: Job, at: number): void {
    this.#heap[at] = job
    job.heapIndex = at
  }
}

function dueOf(job: Job): number {
  return job.since - agingMs * job.priority
}

/** Of those that are due at the same time, the one with the smaller number came first. */
function isBefore(one: Job, other: Job): boolean {
  const [due, otherDue] = [dueOf(one), dueOf(other)]
  return due === otherDue ? one.number < other.number : due < otherDue
}
