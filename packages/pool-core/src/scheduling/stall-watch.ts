import { startTimer } from '../platform/timer.js'
import type { WorkerCrew } from '../slots/worker-crew.js'
import type { WorkerSlot } from '../slots/worker-slot.js'
import type { Envelope } from './envelope.js'

/** What has not begun so many milliseconds after its envelope was sent goes to a worker that has nothing to do. */
const stallMs = 20
/** The same for what waits for the import of its module: elsewhere that would take as long again, and a worker more. */
const importMs = 1_000

/**
 * Bounds how long a run waits behind others that went to the same worker: while a worker has nothing to do, or could be started,
 * what stands behind a run of more than 20 ms is taken back; what waits for an import itself, after a second and once. Only
 * where the claim words say what has begun.
 */
export class StallWatch {
  readonly #crew: WorkerCrew
  readonly #line: { readonly size: number }
  readonly #takeBack: (slot: WorkerSlot, envelopes: readonly Envelope[]) => void
  readonly #flush: () => void
  #stopTimer: (() => void) | undefined

  /**
   * @param line - what is in it goes to whoever has nothing to do first, and nothing is taken back meanwhile
   * @param takeBack - is called with what is stalled in a slot, in its order
   * @param flush - is called afterwards, also when nothing is stalled
   */
  constructor(
    crew: WorkerCrew,
    line: { readonly size: number },
    takeBack: (slot: WorkerSlot, envelopes: readonly Envelope[]) => void,
    flush: () => void,
  ) {
    this.#crew = crew
    this.#line = line
    this.#takeBack = takeBack
    this.#flush = flush
  }

  /** Looks later, if there is something that may stall. Called whenever something was sent. */
  watch(): void {
    if (this.#stopTimer || !this.#crew.hasSpare || !this.#crew.slots.some(hasBacklog)) return
    this.#stopTimer = startTimer(stallMs, () => {
      this.#stopTimer = undefined
      if (this.#crew.hasSpare && this.#line.size === 0) {
        const now = performance.now()
        const stalled = this.#crew.slots.map((slot) => ({ slot, envelopes: stalledIn(slot, now) }))
        for (const { slot, envelopes } of stalled) this.#takeBack(slot, envelopes)
      }
      this.#flush()
    })
  }

  stop(): void {
    this.#stopTimer?.()
    this.#stopTimer = undefined
  }
}

/** What has waited in it for too long, and is going to be taken back. */
function stalledIn(slot: WorkerSlot, now: number): readonly Envelope[] {
  const [head, ...others] = slot.inFlight
  if (slot.state !== 'ready' || head === undefined || !hasBacklog(slot) || now - head.sentAt < stallMs) return []
  if (!head.bringsTask || slot.begunOf(head) > 0) return slot.inFlight
  // It may be importing: elsewhere that would take as long again. What is behind it need not wait for that.
  if (now - head.sentAt < importMs || head.jobs.some(({ hasLeftImport }) => hasLeftImport)) return others
  for (const job of head.jobs) job.hasLeftImport = true
  return slot.inFlight
}

/** Whether runs wait in it behind another. */
function hasBacklog(slot: WorkerSlot): boolean {
  if (slot.words === undefined) return false
  const [head, second] = slot.inFlight
  if (second && mayBeTakenBack(second)) return true
  return head !== undefined && mayBeTakenBack(head) && slot.begunOf(head) < head.count
}

/** What was moved to this worker cannot be given to another. */
export function mayBeTakenBack(envelope: Envelope): boolean {
  return envelope.keptRuns === undefined && envelope.jobs.every((job) => job.canBeSentAgain)
}
