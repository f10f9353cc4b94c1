import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { Segment, SharedArray } from '@heddle/shared-memory'
import { Mutex } from '@heddle/sync-primitives'
import { processBody } from '../lanes/bodies.js'
import { Crew } from '../lanes/crew.js'
import { laneWordCount, setPace } from '../lanes/lane-words.js'
import { Roster } from '../lanes/roster.js'
import type { Recording } from '../recording.js'
import { type ProcessesWork, processSubjects, wealth } from './processes-work.js'
import { heldBy, noViews, type Run, type Scenario } from './scenario.js'

const titles = ['process A', 'process B', 'process C']
const capacity = 6

/** Processes that share a segment. */
export const processes: Scenario = {
  info: {
    name: 'processes',
    title: 'Processes that share memory',
    summary:
      'Three processes share a Mutex, a SharedArray of accounts and a ThreadSafeQueue of parcels, all in one Segment. ' +
      'Look at who has the accounts: one process at a time, as between threads.',
    kill: 'Kill -9 the process that holds the accounts in the middle of a transfer: the next one is told, and makes the sum right again.',
  },
  begin(recording, pace) {
    const segment = Segment.create({ size: 1 << 19, participants: 32 })
    try {
      return beginIn(segment, recording, pace)
    } catch (error) {
      segment.close()
      throw error
    }
  },
}

function beginIn(segment: Segment, recording: Recording, pace: number): Run {
  const shared = new SharedArray('int32', laneWordCount(titles.length), { memory: segment })
  const accounts = new SharedArray('float64', [wealth / 3, wealth / 3, wealth / 3], { memory: segment })
  const mutex = new Mutex({ memory: segment })
  const parcels = new ThreadSafeQueue({ memory: segment, capacity, capacityBytes: 4_096 })
  const words = shared.view
  setPace(words, pace)
  const roster = new Roster(recording, words, titles.length, processSubjects)
  const work = {
    segment: segment.toHandle(),
    words: shared.toHandle(),
    accounts: accounts.toHandle(),
    mutex: mutex.toHandle(),
    parcels: parcels.toHandle(),
  }
  const crew = new Crew(recording, roster, titles, (place) =>
    processBody(new URL('./processes-child.js', import.meta.url), { ...work, place } satisfies ProcessesWork),
  )
  return {
    get lanes() {
      return roster.lanes
    },
    look() {
      roster.collect()
      const { held } = mutex.getState()
      const { size, putCount, getCount } = parcels.getStats()
      return {
        ...noViews,
        locks: [
          {
            name: 'the accounts',
            kind: 'Mutex',
            // Each of them holds it with its main thread, which all have the number 0: so by what they say themselves.
            holders: held ? heldBy(roster.inState('holding', ['the accounts']).at(-1)) : [],
            waiters: roster.inState('waiting', ['the accounts']),
            recovered: roster.repairsOf(['the accounts']),
          },
        ],
        queues: [{ name: 'parcels', size, capacity, put: putCount, got: getCount }],
      }
    },
    kill: (lane) => crew.kill(lane),
    setPace: (next) => setPace(words, next),
    async stop() {
      await crew.stop()
      segment.close()
      // Those that were killed have left what they were woken by: it goes with the next look at all segments.
      Segment.list()
    },
  }
}
