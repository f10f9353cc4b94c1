import type { Lane } from '@heddle/sync-primitives/building-blocks'

/** Lets those that wait in this thread go on. @returns whether there were any */
export function letGoOn(lane: Lane<never>): boolean {
  if (lane.size === 0) return false
  lane.lookAgain()
  return true
}
