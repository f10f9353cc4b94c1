import { checkpoint, isDead, load, type Steps, store } from '@heddle/interleave'
import {
  acquireRead,
  acquireUpgradableRead,
  acquireWrite,
  downgradeUpgradable,
  downgradeWrite,
  entryIndex,
  markWriteConsistent,
  newEntry,
  readWriteLockWords,
  releaseRead,
  releaseUpgradable,
  releaseWrite,
  tryAcquireRead,
  tryAcquireWrite,
  upgrade,
} from '../../build/algorithms/read-write-lock.js'
import type { ModelRow } from './model-row.ts'
import { within } from './words.ts'

const HIGHEST = 0
/** Who writes: a participant, or 0. */
const WRITES = 1
/** One word for each thread: 1 while it reads. */
const READS = 2
const LOCK = 6
const words = { index: LOCK, highest: HIGHEST }

const memory = (() => {
  const all = Array.from({ length: LOCK + readWriteLockWords(4) }, () => 0)
  all[HIGHEST] = 4
  // As each thread leaves its entry when it opens the lock.
  for (let slot = 1; slot <= 4; slot++) all[entryIndex(LOCK, slot)] = newEntry(slot)
  return all
})()

/** What a reader does inside. Nobody may write meanwhile, unless he died at it. */
function* reading(participant: number, ...context: readonly string[]): Steps<void> {
  yield checkpoint(['reads', ...context])
  yield store(READS + participant - 1, 1)
  const writer = yield load(WRITES)
  if (writer !== 0 && !(yield isDead(writer))) throw new Error(`${participant} reads while ${writer} writes`)
  if (writer !== 0) throw new Error(`${participant} reads what ${writer} left when it died`)
  yield store(READS + participant - 1, 0)
  yield checkpoint(['has read', ...context])
}

function* writing(participant: number, died: boolean, ...context: readonly string[]): Steps<void> {
  yield checkpoint(['writes', died, ...context])
  const other = yield load(WRITES)
  if (other !== 0 && !died) throw new Error(`${participant} was not told that ${other} died, or is not alone`)
  yield store(WRITES, participant)
  for (let reader = 1; reader <= 4; reader++)
    if ((yield load(READS + reader - 1)) !== 0 && !(yield isDead(reader)))
      throw new Error(`${participant} writes while ${reader} reads`)
  yield store(WRITES, 0)
  yield checkpoint(['has written', died, ...context])
}

function* reader(participant: number): Steps<string> {
  const outcome = yield* acquireRead(words, participant, false)
  if (outcome !== 'acquired') return outcome
  yield* reading(participant)
  yield* releaseRead(words, participant)
  return 'read'
}

function* tryingReader(participant: number): Steps<string> {
  const outcome = yield* tryAcquireRead(words, participant)
  if (outcome !== 'acquired') return outcome
  yield* reading(participant)
  yield* releaseRead(words, participant)
  return 'read'
}

function* writer(participant: number): Steps<string> {
  const outcome = yield* acquireWrite(words, participant)
  return yield* writeAndLeave(participant, outcome, true)
}

function* carelessWriter(participant: number): Steps<string> {
  const outcome = yield* acquireWrite(words, participant)
  return yield* writeAndLeave(participant, outcome, false)
}

function* tryingWriter(participant: number): Steps<string> {
  const outcome = yield* tryAcquireWrite(words, participant)
  return yield* writeAndLeave(participant, outcome, true)
}

function* writeAndLeave(participant: number, outcome: string, repairs: boolean): Steps<string> {
  if (outcome !== 'acquired' && outcome !== 'owner died') return outcome
  yield* writing(participant, outcome === 'owner died')
  if (outcome === 'owner died' && repairs) yield* markWriteConsistent(words, participant)
  if (!(yield* releaseWrite(words, participant))) throw new Error('it was not the writer')
  return 'wrote'
}

function* downgrader(participant: number): Steps<string> {
  const outcome = yield* acquireWrite(words, participant)
  if (outcome !== 'acquired' && outcome !== 'owner died') return outcome
  yield* writing(participant, outcome === 'owner died')
  if (outcome === 'owner died') yield* markWriteConsistent(words, participant)
  yield* downgradeWrite(words, participant)
  yield* reading(participant, 'downgraded')
  yield* releaseRead(words, participant)
  return 'wrote and read'
}

function* upgrader(participant: number): Steps<string> {
  const outcome = yield* acquireUpgradableRead(words, participant)
  if (outcome !== 'acquired') return outcome
  yield* reading(participant)
  const upgraded = yield* within(['upgrade'], upgrade(words, participant, true))
  if (upgraded === 'acquired') {
    yield* writing(participant, false)
    yield* releaseWrite(words, participant)
    return 'read and wrote'
  }
  if (upgraded !== 'gave up') throw new Error(`behind the gate it found: ${upgraded}`)
  yield* reading(participant, 'not upgraded')
  yield* downgradeUpgradable(words, participant)
  yield* reading(participant, 'downgraded')
  yield* releaseRead(words, participant)
  return 'read'
}

function* upgradableReader(participant: number): Steps<string> {
  const outcome = yield* acquireUpgradableRead(words, participant)
  if (outcome !== 'acquired') return outcome
  yield* reading(participant)
  yield* releaseUpgradable(words, participant)
  return 'read'
}

const row = (
  configuration: string,
  threads: ModelRow['options']['threads'],
  options: Partial<ModelRow['options']> = {},
  quick?: true,
): ModelRow => ({
  primitive: 'ReadWriteLock',
  configuration,
  options: {
    memory,
    threads,
    slicedWaits: options.choices?.kills !== undefined,
    maxStates: 4_000_000,
    final: (_snapshot, results) => {
      const all = Object.values(results)
      const killed = all.includes(undefined)
      if (!killed && all.some((result) => result === 'owner died' || result === 'not recoverable')) return 'nobody died'
      return true
    },
    ...options,
  },
  ...(quick ? { quick } : {}),
})

export const readWriteLockModels: readonly ModelRow[] = [
  row('2 readers, 1 writer', { a: reader, b: reader, c: writer }, {}, true),
  row('1 reader, 2 writers', { a: reader, b: writer, c: writer }, {}, true),
  row(
    '2 readers, 1 writer, 1 kill, 1 time-out',
    { a: reader, b: reader, c: writer },
    { choices: { kills: 1, timeouts: 1 } },
  ),
  row(
    '1 reader, 2 writers, 1 kill, 1 time-out',
    { a: reader, b: writer, c: writer },
    { choices: { kills: 1, timeouts: 1 } },
  ),
  row('1 reader, 2 writers, 1 abort', { a: reader, b: writer, c: writer }, { choices: { aborts: 1 } }),
  row(
    '1 reader, 2 writers, 1 kill, nobody repairs',
    { a: reader, b: carelessWriter, c: carelessWriter },
    { choices: { kills: 1 } },
  ),
  row(
    'a reader, a writer and one that downgrades, 1 kill',
    { a: reader, b: writer, c: downgrader },
    { choices: { kills: 1 } },
  ),
  row(
    'a reader, a writer and one that upgrades, 1 time-out',
    { a: reader, b: writer, c: upgrader },
    { choices: { timeouts: 1 } },
  ),
  row('two that upgrade and a reader, 1 kill', { a: upgrader, b: upgrader, c: reader }, { choices: { kills: 1 } }),
  row(
    'a writer, an upgradable reader and a reader, 1 kill, 1 time-out',
    { a: writer, b: upgradableReader, c: reader },
    { choices: { kills: 1, timeouts: 1 } },
  ),
  row(
    'a writer, and two that only try, 1 kill',
    { a: writer, b: tryingReader, c: tryingWriter },
    { choices: { kills: 1 } },
  ),
]
