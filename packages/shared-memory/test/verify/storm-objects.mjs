// What the storm works on, and what must hold in it: shared by the process that looks after it and by its victims.
import { SharedDict, SharedList, ThreadSafeCache } from '@heddle/shared-memory'
import { Mutex } from '@heddle/sync-primitives'

export const mutexes = 100
export const sums = 20
export const cacheSize = 16
const keys = 40

/** Words of the ledger: what was done for sure. One more may have been done by whoever was killed before it could note it. */
export const LOCKED = 0
export const SUMMED = 1
export const APPENDED = 2
export const POPPED = 3
export const CACHED = 4
export const ledgerWords = 16
/** Behind the ledger: two cells for each mutex, equal whenever nobody is inside. */
export const cellOf = (mutex) => ledgerWords + 2 * mutex

export function makeObjects(memory) {
  return {
    locks: Array.from({ length: mutexes }, () => new Mutex({ memory })),
    dict: new SharedDict({ memory }),
    list: new SharedList({ memory }),
    cache: new ThreadSafeCache({ memory, maxSize: cacheSize }),
  }
}

export const handlesOf = ({ locks, dict, list, cache }) => ({
  locks: locks.map((lock) => lock.toHandle()),
  dict: dict.toHandle(),
  list: list.toHandle(),
  cache: cache.toHandle(),
})

export const openObjects = ({ locks, dict, list, cache }) => ({
  locks: locks.map((handle) => Mutex.fromHandle(handle)),
  dict: SharedDict.fromHandle(dict),
  list: SharedList.fromHandle(list),
  cache: ThreadSafeCache.fromHandle(cache),
})

const textFor = (n) => `${n}:${'x'.repeat(n % 200)}`
export const isText = (value) => typeof value === 'string' && value === textFor(Number(value.split(':')[0]))

/** The operations, each of which changes one thing, and then the ledger. */
export const operations = {
  lock({ objects, words, base }, random) {
    const mutex = random(mutexes)
    const guard = objects.locks[mutex].acquireSync({ timeout: 5_000 })
    const cell = base + cellOf(mutex)
    if (guard.ownerDied) {
      words[cell + 1] = words[cell]
      guard.markConsistent()
    }
    if (words[cell] !== words[cell + 1])
      throw new Error(`mutex ${mutex} let somebody in: ${words[cell]}, ${words[cell + 1]}`)
    words[cell] += 1
    words[cell + 1] += 1
    guard.release()
    Atomics.add(words, base + LOCKED, 1)
  },
  sum({ objects, words, base }, random) {
    objects.dict.update(`sum ${random(sums)}`, (sum) => (sum ?? 0) + 1)
    Atomics.add(words, base + SUMMED, 1)
  },
  set({ objects }, random) {
    const key = random(keys)
    objects.dict.set(`text ${key}`, textFor(random(500)))
  },
  delete({ objects }, random) {
    objects.dict.delete(`text ${random(keys)}`)
  },
  append({ objects, words, base }, random) {
    objects.list.append(textFor(random(300)))
    Atomics.add(words, base + APPENDED, 1)
  },
  pop({ objects, words, base }) {
    // Only one process at a time changes the list's length.
    if (objects.list.length === 0) return
    objects.list.pop()
    Atomics.add(words, base + POPPED, 1)
  },
  replace({ objects }, random) {
    const { length } = objects.list
    if (length > 0) objects.list.set(random(length), textFor(random(300)))
  },
  cache({ objects, words, base }, random) {
    const key = random(keys)
    objects.cache.put(`cached ${key}`, { key, text: textFor(random(100)) })
    objects.cache.get(`cached ${random(keys)}`)
    Atomics.add(words, base + CACHED, 1)
  },
}
