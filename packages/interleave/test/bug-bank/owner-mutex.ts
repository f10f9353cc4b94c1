import { checkpoint, compareExchange, exchange, load, notify, store, wait } from '@heddle/interleave'
import { adders, type Bug, LOCK, type Lock } from './bug.ts'

/**
 * value                · meaning
 * 0                    · free
 * participant << 1     · held by that thread, nobody sleeps
 * participant << 1 | 1 · held by that thread, somebody may be asleep
 */
const WAITERS = 1

interface Variant {
  /** What the word becomes when a thread takes it that has slept. */
  readonly afterSleep?: (mine: number) => number
  /** Whether the bit is set only if the word is still what was seen. */
  readonly compares?: boolean
}

const ownerMutex = ({ afterSleep = (mine) => mine | WAITERS, compares = true }: Variant = {}): Lock => ({
  *acquire(me) {
    let taken = me << 1
    for (;;) {
      yield checkpoint(taken)
      const seen = yield load(LOCK)
      if (seen === 0) {
        if ((yield compareExchange(LOCK, 0, taken)) === 0) return true
        continue
      }
      const contended = seen | WAITERS
      if (!compares) yield store(LOCK, contended)
      else if (seen !== contended && (yield compareExchange(LOCK, seen, contended)) !== seen) continue
      yield wait(LOCK, contended)
      taken = afterSleep(me << 1)
    }
  },
  *release() {
    if ((yield exchange(LOCK, 0)) & WAITERS) yield notify(LOCK, 1)
  },
})

export const ownerMutexBugs: readonly Bug[] = [
  {
    name: 'owner mutex: one that has slept takes it without the mark of the others',
    kind: 'deadlock',
    faulty: adders(ownerMutex({ afterSleep: (mine) => mine }), 3),
    correct: adders(ownerMutex(), 3),
  },
  {
    name: 'owner mutex: the mark is stored over a lock that is free by now',
    kind: 'deadlock',
    faulty: adders(ownerMutex({ compares: false }), 2),
    correct: adders(ownerMutex(), 2),
  },
  {
    name: 'owner mutex: a release does nothing if somebody has set the mark',
    kind: 'deadlock',
    faulty: adders(
      {
        ...ownerMutex(),
        *release(me) {
          yield compareExchange(LOCK, me << 1, 0)
        },
      },
      2,
    ),
    correct: adders(ownerMutex(), 2),
  },
]
