import { Mutex, ReadWriteLock } from '@heddle/sync-primitives'
import { threadBody } from '../lanes/bodies.js'
import { Crew } from '../lanes/crew.js'
import { setPace, threadLaneWords } from '../lanes/lane-words.js'
import { Roster } from '../lanes/roster.js'
import { type LocksWork, lockSubjects } from './locks-work.js'
import { heldBy, noViews, type Scenario } from './scenario.js'

const threads = 4
const [ledger, reading, writing] = lockSubjects

/** Threads that contend for a mutex and a read-write lock. */
export const locks: Scenario = {
  info: {
    name: 'locks',
    title: 'Locks that survive their owners',
    summary:
      'Four threads contend for one Mutex, which guards a ledger, and for one ReadWriteLock, which guards a catalogue. ' +
      'Look at who holds and who waits; readers are inside together.',
    kill: 'Kill a thread that holds: the next owner is told that the one before it died, and repairs what that one left half done.',
  },
  begin(recording, pace) {
    const words = threadLaneWords(threads)
    setPace(words, pace)
    const mutex = new Mutex()
    const lock = new ReadWriteLock()
    const sums = new Int32Array(new SharedArrayBuffer(4 * Int32Array.BYTES_PER_ELEMENT))
    const roster = new Roster(recording, words, threads, lockSubjects)
    const work = { words, sums, mutex: mutex.toHandle(), lock: lock.toHandle() }
    const crew = new Crew(recording, roster, ['thread A', 'thread B', 'thread C', 'thread D'], (place) =>
      threadBody(new URL('./locks-thread.js', import.meta.url), { ...work, place } satisfies LocksWork),
    )
    return {
      get lanes() {
        return roster.lanes
      },
      look() {
        roster.collect()
        const { owner } = mutex.getState()
        const { writer, readers } = lock.getState()
        const owning = owner?.threadId === undefined ? undefined : roster.byThread(owner.threadId)
        const inside = writer?.threadId === undefined ? undefined : roster.byThread(writer.threadId)
        return {
          ...noViews,
          locks: [
            {
              name: ledger,
              kind: 'Mutex',
              holders: heldBy(owning),
              waiters: roster.inState('waiting', [ledger]).filter((lane) => lane !== owning),
              recovered: roster.repairsOf([ledger]),
            },
            {
              name: 'catalogue',
              kind: 'ReadWriteLock',
              // A writer that waits for the readers to leave has its place, but is not inside yet.
              holders: readers > 0 ? roster.inState('holding', [reading]) : heldBy(inside),
              waiters: roster.inState('waiting', [reading, writing]).filter((lane) => readers > 0 || lane !== inside),
              recovered: roster.repairsOf([reading, writing]),
            },
          ],
        }
      },
      kill: (lane) => crew.kill(lane),
      setPace: (next) => setPace(words, next),
      stop: () => crew.stop(),
    }
  },
}
