import { LockStateError } from '../errors.js'
import type { Memory } from '../memory/memory.js'
import { ownerAt } from './mutex-owner.js'

/**
 * Throws if this thread would wait for itself: it has said that it waits for the mutex at `index`, whose owner waits for a
 * mutex, whose owner … is this thread.
 *
 * Every thread says what it waits for before it looks. So the last one that closes a circle sees the whole of it. A circle of
 * waits without a time limit cannot open again by itself; one that was seen piece by piece may never have been one, so it
 * counts if it is there a second time.
 *
 * @throws LockStateError `ERR_DEADLOCK`
 */
export function throwIfDeadlocked(memory: Memory, index: number): void {
  const circle = findCircle(memory, index)
  if (!circle || findCircle(memory, index)?.join() !== circle.join()) return
  const path = circle.map((participant, n) => {
    const who = n === circle.length - 1 ? 'this thread' : `thread ${memory.threadIdOf(participant)}`
    return `held by ${who}`
  })
  throw new LockStateError(
    'ERR_DEADLOCK',
    `this thread would wait for ever: it waits for a mutex ${path.join(', which waits for a mutex ')}`,
  )
}

/** The owners along the way, the last of whom is this thread; undefined: the way ends. */
function findCircle(memory: Memory, index: number): number[] | undefined {
  const owners: number[] = []
  let at = index
  while (at !== 0 && owners.length <= memory.slots) {
    const owner = ownerAt(memory, at)
    if (owner === 0) return undefined
    owners.push(owner)
    if (owner === memory.participant) return owners
    // What the dead hold is taken over.
    if (memory.isDead(owner, true)) return undefined
    at = memory.awaitedBy(owner)
  }
  return undefined
}
