import { add, checkpoint, load, type Steps } from '@heddle/interleave'
import { barrierWords, breakBarrier, PARTIES, passBarrier, resetBarrier, trip } from '../../build/algorithms/barrier.js'
import type { ModelRow } from './model-row.ts'
import { within } from './words.ts'

/** How many parties have come to each of two rounds. */
const CAME = 0
const ACTIONS = 2
const BARRIER = 3

function memoryFor(parties: number): number[] {
  const words = Array.from({ length: BARRIER + barrierWords(parties) }, () => 0)
  words[BARRIER + PARTIES] = parties
  return words
}

const party = (parties: number, { rounds = 1, hasAction = false } = {}) =>
  function* (participant: number): Steps<string> {
    let done = ''
    for (let round = 0; round < rounds; round++) {
      yield checkpoint(['round', round, done])
      yield add(CAME + round, 1)
      const passage = yield* within([round, done], passBarrier(BARRIER, participant, hasAction))
      yield checkpoint(['passed', round, done, passage.outcome, 'index' in passage ? passage.index : -1])
      if (passage.outcome === 'run the action') {
        if ((yield load(CAME + round)) !== parties * 1) throw new Error('the action runs before all have come')
        yield add(ACTIONS, 1)
        if (!(yield* within([round, done], trip(BARRIER, participant, passage.generation)))) return `${done}b`
      } else if (passage.outcome !== 'passed') return done + passage.outcome[0]
      if ((yield load(CAME + round)) < parties) throw new Error('it passed before all had come')
      if (hasAction && (yield load(ACTIONS)) < round + 1) throw new Error('it passed before the action had run')
      done += 'index' in passage ? String(passage.index) : ''
    }
    return done
  }

function* resetter(participant: number): Steps<string> {
  yield* resetBarrier(BARRIER, participant)
  return 'r'
}

function* breaker(participant: number): Steps<string> {
  yield* breakBarrier(BARRIER, participant)
  return 'x'
}

const row = (
  configuration: string,
  parties: number,
  threads: ModelRow['options']['threads'],
  final: NonNullable<ModelRow['options']['final']>,
  options: Partial<ModelRow['options']> = {},
  quick?: true,
): ModelRow => ({
  primitive: 'Barrier',
  configuration,
  options: {
    memory: memoryFor(parties),
    threads,
    final,
    slicedWaits: options.choices?.kills !== undefined,
    maxStates: 6_000_000,
    ...options,
  },
  ...(quick ? { quick } : {}),
})

const sorted = (results: Readonly<Record<string, unknown>>) => Object.values(results).map(String).sort().join(' ')

export const barrierModels: readonly ModelRow[] = [
  row(
    '3 parties',
    3,
    { a: party(3), b: party(3), c: party(3) },
    (_s, results) => sorted(results) === '0 1 2' || `the indexes are ${sorted(results)}`,
    {},
    true,
  ),
  row(
    '2 parties, 2 rounds',
    2,
    { a: party(2, { rounds: 2 }), b: party(2, { rounds: 2 }) },
    (_s, results) => Object.values(results).every((done) => String(done).length === 2) || sorted(results),
    {},
    true,
  ),
  row(
    '2 parties, 2 rounds, with an action',
    2,
    { a: party(2, { rounds: 2, hasAction: true }), b: party(2, { rounds: 2, hasAction: true }) },
    (_s, results) => Object.values(results).every((done) => String(done).length <= 2) || sorted(results),
    {},
    true,
  ),
  row(
    '3 parties, 1 time-out, 1 kill',
    3,
    { a: party(3), b: party(3), c: party(3) },
    (_s, results) => {
      const lived = Object.values(results).filter((done) => done !== undefined)
      const broken = lived.filter((done) => done === 'b' || done === 'g')
      return (
        broken.length === 0 || broken.length === lived.length || lived.length < 3 || `some passed: ${sorted(results)}`
      )
    },
    // One that died before it came never comes: the time of the others is up in the end.
    { choices: { kills: 1, timeouts: { budget: 1, certain: true } } },
  ),
  row(
    '2 parties with an action, 1 kill',
    2,
    { a: party(2, { hasAction: true }), b: party(2, { hasAction: true }) },
    () => true,
    { choices: { kills: 1, timeouts: { budget: 0, certain: true } } },
    true,
  ),
  row(
    '2 parties and a reset',
    2,
    { a: party(2), b: party(2), c: resetter },
    (_s, results) => {
      const both = [results.a, results.b]
      return (
        both.every((done) => done === '0' || done === '1') ||
        both.includes('b') ||
        both.includes('g') ||
        sorted(results)
      )
    },
    { choices: { timeouts: { budget: 0, certain: true } } },
  ),
  row('2 parties and one that breaks it', 2, { a: party(2), b: party(2), c: breaker }, (_s, results) => {
    const both = [results.a, results.b]
    return both.every((done) => done === 'b') || !both.includes('b') || sorted(results)
  }),
]
