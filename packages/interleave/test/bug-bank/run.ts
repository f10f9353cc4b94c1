import { explore } from '@heddle/interleave'
import { barrierBugs } from './barrier.ts'
import type { Bug } from './bug.ts'
import { conditionBugs } from './condition.ts'
import { eventBugs } from './event.ts'
import { latchBugs } from './latch.ts'
import { mutexBugs } from './mutex.ts'
import { ownerMutexBugs } from './owner-mutex.ts'
import { queueBugs } from './queue.ts'
import { readWriteLockBugs } from './read-write-lock.ts'
import { robustMutexBugs } from './robust-mutex.ts'
import { semaphoreBugs } from './semaphore.ts'
import { ticketLockBugs } from './ticket-lock.ts'
import { lockFreeBugs } from './without-locks.ts'

/** Faulty variants of primitives, each beside one that is right. */
export const bugBank: readonly Bug[] = [
  ...mutexBugs,
  ...ownerMutexBugs,
  ...robustMutexBugs,
  ...semaphoreBugs,
  ...barrierBugs,
  ...conditionBugs,
  ...eventBugs,
  ...latchBugs,
  ...readWriteLockBugs,
  ...ticketLockBugs,
  ...queueBugs,
  ...lockFreeBugs,
]

export interface BugBankRow {
  readonly name: string
  /** Whether the defect was found, as the kind of failure that it is, and the correct variant has none, all explored. */
  readonly found: boolean
  /** States looked at until the defect was found. */
  readonly states: number
  /** The simplest schedule that was found. */
  readonly schedule: string | undefined
  readonly steps: number
  readonly kind: string | undefined
  readonly correctVerdict: string
  readonly correctStates: number
}

/** Looks for the defect in each faulty variant, and for one in each correct variant. Takes some seconds. */
export function runBugBank(bugs: readonly Bug[] = bugBank): BugBankRow[] {
  return bugs.map(({ name, kind, faulty, correct }) => {
    const wrong = explore(faulty)
    const right = explore(correct)
    return {
      name,
      found: wrong.failure?.kind === kind && right.verdict === 'complete',
      states: wrong.states,
      schedule: wrong.failure?.schedule,
      steps: wrong.failure?.steps ?? 0,
      kind: wrong.failure?.kind,
      correctVerdict: right.verdict,
      correctStates: right.states,
    }
  })
}
