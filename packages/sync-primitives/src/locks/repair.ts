import type { Outcome } from '../algorithms/mutex.js'
import { holdProcess, letProcessGo } from '../drivers/ticker.js'
import { refusePromise } from './refuse-promise.js'

/** What a guard can do about its former owner's death. */
interface Repairable {
  markConsistent(): void
  release(): void
  /** All levels of it, where there may be several. */
  abandon?(): void
}

type Handler<Guard> = ((guard: Guard) => unknown) | undefined

/** Lets `onOwnerDied` repair, if there is one and an owner died. What it throws leaves the lock released and not recoverable. */
export function repairSync<Guard extends Repairable>(guard: Guard, outcome: Outcome, handler: Handler<Guard>): Guard {
  if (outcome !== 'owner died' || !handler) return guard
  try {
    refusePromise(handler(guard), 'onOwnerDied returned a promise, which nobody can wait for in a Sync or try form')
    guard.markConsistent()
  } catch (error) {
    abandon(guard)
    throw error
  }
  return guard
}

/** The same, and waits for the handler's promise. */
export async function repair<Guard extends Repairable>(
  guard: Guard,
  outcome: Outcome,
  handler: Handler<Guard>,
): Promise<Guard> {
  if (outcome !== 'owner died' || !handler) return guard
  holdProcess()
  try {
    await handler(guard)
    guard.markConsistent()
  } catch (error) {
    abandon(guard)
    throw error
  } finally {
    letProcessGo()
  }
  return guard
}

function abandon(guard: Repairable): void {
  if (guard.abandon) guard.abandon()
  else guard.release()
}
