import { FAIR, ownerOf } from '../algorithms/mutex.js'
import { heldIndex } from '../algorithms/permit-line.js'
import type { Memory } from '../memory/memory.js'
import { lastSlot, participantOf } from '../memory/participants.js'

/** Where the permit line of a fair mutex is. */
export const fairLineIndex = (index: number): number => index + 1

/** Who holds the mutex with this state word; 0: nobody, as far as can be seen. */
export function ownerAt(memory: Memory, index: number): number {
  const word = Atomics.load(memory.words, index)
  if (word !== FAIR) return word < 0 ? 0 : ownerOf(word)
  const last = lastSlot(Atomics.load(memory.words, memory.highestSlotIndex))
  for (let slot = 1; slot <= last; slot++) {
    const held = heldIndex(fairLineIndex(index), slot)
    if (Atomics.load(memory.words, held) > 0) return participantOf(slot, Atomics.load(memory.words, held - 1))
  }
  return 0
}
