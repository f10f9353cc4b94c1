import { checkpoint, isDead, load, type Steps, store } from '@heddle/interleave'
import {
  AWAITING_LANE,
  acquirePermits,
  addPermits,
  BLOCKING_LANE,
  BOUND,
  disownPermits,
  heldIndex,
  LOCK,
  markFairMutexConsistent,
  permitLineWords,
  releaseFairMutex,
  releasePermits,
  TOTAL,
} from '../../build/algorithms/permit-line.js'
import type { ModelRow } from './model-row.ts'
import { insideExclusively, within } from './words.ts'

const HIGHEST = 0
const INSIDE = 1
const SUM = 2
const LINE = 3
const line = { index: LINE, highest: HIGHEST }

function memoryFor(threads: number, permits: number, bound: number): number[] {
  const words = Array.from({ length: LINE + permitLineWords(3) }, () => 0)
  words[HIGHEST] = threads
  words[LINE + TOTAL] = permits
  words[LINE + BOUND] = bound
  return words
}

/** Permits that are free when what the dead hold does not count. */
function freeAtEnd(memory: Int32Array, results: Readonly<Record<string, unknown>>): number {
  let free = memory[LINE + TOTAL] as number
  Object.values(results).forEach((result, n) => {
    if (result !== undefined) free -= memory[heldIndex(LINE, n + 1)] as number
  })
  return free
}

/** Takes permits, checks that no more are out than there are, and gives them back. */
const taker = (wanted: number, most: number, rounds = 1) =>
  function* (participant: number): Steps<string> {
    let done = ''
    for (let round = 0; round < rounds; round++) {
      yield checkpoint(['round', round, done])
      const outcome = yield* within([round, done], acquirePermits(line, participant, wanted, BLOCKING_LANE))
      done += outcome[0]
      if (outcome === 'gave up') continue
      let out = 0
      for (let slot = 1; slot <= 3; slot++) if (!(yield isDead(slot))) out += yield load(heldIndex(LINE, slot))
      if (out > most) throw new Error(`${out} permits of ${most} are out`)
      if (!(yield* within([round, done], releasePermits(line, participant, wanted))))
        throw new Error('what it holds is not its own')
    }
    return done
  }

const comesBack =
  (permits: number) => (snapshot: { memory: Int32Array }, results: Readonly<Record<string, unknown>>) => {
    const free = freeAtEnd(snapshot.memory, results)
    if (free !== permits) return `${free} permits are free, not ${permits}`
    const killed = Object.values(results).includes(undefined)
    return killed || snapshot.memory[LINE + LOCK] === 0 || 'the inner lock is held'
  }

const semaphore = (
  configuration: string,
  permits: number,
  wanted: readonly number[],
  options: Partial<ModelRow['options']> = {},
  quick?: true,
): ModelRow => ({
  primitive: 'Semaphore',
  configuration,
  options: {
    memory: memoryFor(wanted.length, permits, 5),
    threads: Object.fromEntries(wanted.map((count, n) => [['a', 'b', 'c'][n] as string, taker(count, permits)])),
    final: comesBack(permits),
    // Without a death nobody needs to look again by himself: a wake-up that is lost then is a defect.
    slicedWaits: options.choices?.kills !== undefined,
    maxStates: 4_000_000,
    ...options,
  },
  ...(quick ? { quick } : {}),
})

function* giver(participant: number): Steps<string> {
  if (!(yield* addPermits(line, participant, 1))) throw new Error('the bound was not reached')
  return 'a'
}

function* waiter(participant: number): Steps<string> {
  const outcome = yield* acquirePermits(line, participant, 1, AWAITING_LANE)
  if (outcome === 'gave up') return 'g'
  yield* disownPermits(line, participant, 1)
  return 'd'
}

const fairUser = (repairs = true) =>
  function* (participant: number): Steps<string> {
    yield checkpoint('begin')
    const outcome = yield* within(['fair'], acquirePermits(line, participant, 1, BLOCKING_LANE))
    if (outcome === 'gave up' || outcome === 'not recoverable') return outcome
    if (outcome === 'owner died') {
      yield store(INSIDE, 0)
      if (repairs) yield* within([outcome], markFairMutexConsistent(line, participant))
    }
    yield* insideExclusively(INSIDE, SUM)
    if (!(yield* within([outcome], releaseFairMutex(line, participant))))
      throw new Error('the lock that it holds is not its own')
    return outcome
  }

const fairMutex = (
  configuration: string,
  options: Partial<ModelRow['options']>,
  repairs = true,
  quick?: true,
): ModelRow => ({
  primitive: 'fair Mutex',
  configuration,
  options: {
    memory: memoryFor(3, 1, 1),
    threads: { a: fairUser(repairs), b: fairUser(repairs), c: fairUser(repairs) },
    slicedWaits: true,
    maxStates: 4_000_000,
    final: (_snapshot, results) => {
      const all = Object.values(results)
      const lost = all.includes('not recoverable')
      if (lost && (repairs || !all.includes('owner died'))) return 'lost without a reason'
      return true
    },
    ...options,
  },
  ...(quick ? { quick } : {}),
})

export const permitLineModels: readonly ModelRow[] = [
  semaphore('2 threads, 1 permit, 1 time-out', 1, [1, 1], { choices: { timeouts: 1 } }, true),
  semaphore('2 threads, 1 permit, 1 kill', 1, [1, 1], { choices: { kills: 1 } }, true),
  semaphore('3 threads, 1 permit', 1, [1, 1, 1]),
  semaphore('3 threads want 1, 2 and 1 of 2 permits', 2, [1, 2, 1]),
  semaphore('3 threads, 1 permit, 1 abort', 1, [1, 1, 1], { choices: { aborts: 1 } }),
  semaphore('3 threads, 1 permit, 1 kill, 1 time-out', 1, [1, 1, 1], { choices: { kills: 1, timeouts: 1 } }),
  {
    primitive: 'Semaphore',
    configuration: '2 wait for unowned permits that a third gives, 1 time-out',
    options: {
      memory: memoryFor(3, 0, 5),
      threads: {
        a: waiter,
        b: waiter,
        c: {
          run: function* (p: number) {
            yield* giver(p)
            return yield* within(['second'], giver(p))
          },
          participant: 3,
        },
      },
      choices: { timeouts: 1 },
      maxStates: 4_000_000,
      final: ({ memory }, results) => {
        const taken = Object.values(results).filter((result) => result === 'd').length
        return memory[LINE + TOTAL] === 2 - taken || `${taken} were taken, ${memory[LINE + TOTAL]} are left of 2`
      },
    },
  },
  fairMutex('3 threads', {}),
  fairMutex('3 threads, 1 kill, 1 time-out', { choices: { kills: 1, timeouts: 1 } }),
  fairMutex('3 threads, 1 kill, nobody repairs', { choices: { kills: 1 } }, false),
]
