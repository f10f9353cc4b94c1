import { checkpoint, type Steps, store } from '@heddle/interleave'
import {
  acquireMutex,
  FREE,
  markMutexConsistent,
  NOT_RECOVERABLE,
  releaseMutex,
  tryAcquireMutex,
} from '../../build/algorithms/mutex.js'
import type { ModelRow } from './model-row.ts'
import { insideExclusively, within } from './words.ts'

const LOCK = 0
const INSIDE = 1
const SUM = 2
const memory = { lock: 0, inside: 0, sum: 0 }

interface Way {
  readonly rounds?: number
  readonly repairs?: boolean
  readonly tries?: boolean
}

const user = ({ rounds = 1, repairs = true, tries = false }: Way = {}) =>
  function* (participant: number): Steps<string> {
    let done = ''
    for (let round = 0; round < rounds; round++) {
      yield checkpoint(['round', round, done])
      const outcome: string = yield* within(
        [round, done],
        tries ? tryAcquireMutex(LOCK, participant) : acquireMutex(LOCK, participant),
      )
      if (outcome === 'gave up' || outcome === 'not recoverable') {
        done += outcome[0]
        continue
      }
      if (outcome === 'owner died') {
        yield store(INSIDE, 0)
        if (repairs) yield* markMutexConsistent(LOCK, participant)
      }
      yield* insideExclusively(INSIDE, SUM)
      if (!(yield* releaseMutex(LOCK, participant))) throw new Error('the lock that it holds is not its own')
      done += outcome[0]
    }
    return done
  }

const threads = (count: number, way?: Way) =>
  Object.fromEntries(['a', 'b', 'c', 'd'].slice(0, count).map((name) => [name, user(way)]))

/** The lock is free again, or lost for a reason. */
const settled = ({ memory: words }: { memory: Int32Array }, results: Readonly<Record<string, unknown>>) => {
  const killed = Object.values(results).includes(undefined)
  const all = Object.values(results).map((done) => (typeof done === 'string' ? done : ''))
  if (words[LOCK] === NOT_RECOVERABLE) return killed || 'lost without a death'
  if (all.some((done) => done.includes('n'))) return 'refused, and not lost'
  if (!killed && words[LOCK] !== FREE) return `the lock word is ${words[LOCK]}`
  const entries = all.join('').replaceAll('g', '').length
  return killed || words[SUM] === entries || `${entries} were inside, and the sum is ${words[SUM]}`
}

const row = (
  configuration: string,
  options: Omit<ModelRow['options'], 'memory' | 'final'>,
  quick?: true,
): ModelRow => ({
  primitive: 'Mutex',
  configuration,
  options: { memory, final: settled, maxStates: 4_000_000, ...options },
  ...(quick ? { quick } : {}),
})

export const mutexModels: readonly ModelRow[] = [
  row('3 threads', { threads: threads(3) }, true),
  row('3 threads, 1 time-out', { threads: threads(3), choices: { timeouts: 1 } }, true),
  row('3 threads, 1 abort', { threads: threads(3), choices: { aborts: 1 } }),
  row('3 threads, 1 kill, 1 time-out', { threads: threads(3), choices: { kills: 1, timeouts: 1 }, slicedWaits: true }),
  row('2 threads, 2 kills', { threads: threads(2), choices: { kills: 2 }, slicedWaits: true }, true),
  row('3 threads, 1 kill, nobody repairs', {
    threads: threads(3, { repairs: false }),
    choices: { kills: 1 },
    slicedWaits: true,
  }),
  row('2 threads and one that tries, 1 kill', {
    threads: { ...threads(2), c: user({ tries: true }) },
    choices: { kills: 1 },
    slicedWaits: true,
  }),
  row(
    '2 threads, 2 rounds, 1 spurious wake-up',
    { threads: threads(2, { rounds: 2 }), choices: { spurious: 1 } },
    true,
  ),
]
