import { registerMemory } from '@heddle/sync-primitives'

/** Where what was allocated begins. Word 0 is the first free one. */
export const heapStart = 64

const kind = 'pretended'
const memories = new Map()
registerMemory(kind, ({ id }) => memories.get(id))

const nobodyLives = () => {
  throw new Error('nobody is alive that could be waited for')
}

/**
 * A memory as one participant sees it, of whom `isDead` tells who else has died.
 *
 * @param raw - the words themselves; `words` may be others that do the same and look on
 */
export function pretendedMemory({ raw, words, participant, isDead }) {
  return {
    words,
    participant,
    slots: 255,
    highestSlotIndex: 2,
    identity: raw.subarray(4, 8),
    isClosed: false,
    allocate(count) {
      const index = raw[0]
      const end = index + Math.ceil(count / 16) * 16
      if (end > raw.length) return -1
      words[0] = end
      return index
    },
    isAllocated: (index) => index >= heapStart && index < raw[0] && index % 16 === 0,
    isDead,
    wait: nobodyLives,
    waitAsync: nobodyLives,
    notify() {},
    setAwaited() {},
    awaitedBy: () => 0,
    threadIdOf: () => undefined,
    toHandle: () => ({ memory: kind }),
  }
}

/** Opens an object in such a memory. */
export function openIn(memory, Class, handle) {
  const id = {}
  memories.set(id, memory)
  try {
    return Class.fromHandle({ ...handle, memory: kind, id })
  } finally {
    memories.delete(id)
  }
}
