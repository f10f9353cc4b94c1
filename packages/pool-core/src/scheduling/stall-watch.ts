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
 * what stands behind a run of more than 20 ms is taken back; what waits for an import, after a second and once. Only where the
 * claim words say what has begun.
 */
export class StallWatch {
  readonly #crew: WorkerCrew
  readonly #takeBack: (slots: readonly WorkerSlot[]) => void
  #stopTimer: (() => void) | undefined

  constructor(crew: WorkerCrew, takeBack: (slots: readonly WorkerSlot[]) => void) {
    this.#crew = crew
    this.#takeBack = takeBack
  }

  /** Looks later, if there is something that may stall. Called whenever something was sent. */
  watch(): void {
    if (this.#stopTimer || !this.#crew.hasSpare || !this.#crew.slots.some(hasBacklog)) return
    this.#stopTimer = startTimer(stallMs, () => {
      this.#stopTimer = undefined
      const now = performance.now()
      const isStalled = (slot: WorkerSlot) => {
        const [head] = slot.inFlight
        if (slot.state !== 'ready' || head === undefined || !hasBacklog(slot)) return false
        const isImporting = head.bringsTask && slot.begunOf(head) === 0
        if (!isImporting) return now - head.sentAt >= stallMs
        return now - head.sentAt >= importMs && !head.jobs.some(({ hasLeftImport }) => hasLeftImport)
      }
      this.#takeBack(this.#crew.hasSpare ? this.#crew.slots.filter(isStalled) : [])
    })
  }

  stop(): void {
    this.#stopTimer?.()
    this.#stopTimer = undefined
  }
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
