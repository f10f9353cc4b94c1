import { checkpoint, isDead, load, type Steps, spinHint, store } from '@heddle/interleave'
import {
  conditionWords,
  enqueueWaiter,
  leaveCondition,
  serve,
  waitUntilServed,
} from '../../build/algorithms/condition.js'
import { acquireMutex, markMutexConsistent, releaseMutex } from '../../build/algorithms/mutex.js'
import type { ModelRow } from './model-row.ts'
import { within } from './words.ts'

const MUTEX = 0
/** What is waited for: items that a notifier puts. */
const ITEMS = 1
/** One bit for each participant that waits no more. */
const GOT = 2
const CONDITION = 3
const words = { index: CONDITION, size: 4 }
const memory = Array.from({ length: CONDITION + conditionWords(4) }, () => 0)

function* lock(participant: number, ...context: readonly (string | number)[]): Steps<void> {
  for (;;) {
    const outcome = yield* within(context, acquireMutex(MUTEX, participant))
    if (outcome === 'owner died') yield* markMutexConsistent(MUTEX, participant)
    // The mutex is waited for without a limit; the model ends that wait as well, so it begins anew.
    if (outcome === 'acquired' || outcome === 'owner died') break
  }
  yield checkpoint([...context, 'holds the mutex'])
}

/** `Condition.wait`: the notification of one that was aborted goes to the next. */
function* waitOnce(participant: number, passesOn: boolean, ...context: readonly string[]): Steps<boolean> {
  const ticket = yield* enqueueWaiter(words, participant)
  if (ticket === undefined) throw new Error('there is no room')
  yield* releaseMutex(MUTEX, participant)
  const served = yield* within(context, waitUntilServed(words, ticket))
  yield* lock(participant, ...context, 'again', ticket, served ? 1 : 0)
  // It holds the mutex: who dies from here on leaves a mutex whose owner died, and needs no notification any more.
  yield store(GOT, (yield load(GOT)) | (1 << participant))
  const notified = yield* leaveCondition(words, ticket)
  if (served && !notified) throw new Error('it was served, and then it was not')
  if (notified && !served && passesOn) {
    yield* serve(words, 1)
    return false
  }
  return notified
}

/** Waits until there is an item, and takes it. */
const consumer = (passesOn: boolean) =>
  function* (participant: number): Steps<string> {
    yield* lock(participant, 'begin')
    while ((yield load(ITEMS)) === 0) {
      yield checkpoint('waits')
      if (!(yield* waitOnce(participant, passesOn, 'consumer'))) {
        yield* releaseMutex(MUTEX, participant)
        return 'gave up'
      }
    }
    yield store(ITEMS, (yield load(ITEMS)) - 1)
    yield* releaseMutex(MUTEX, participant)
    return 'took'
  }

const producer = (items: number, count: number) =>
  function* (participant: number): Steps<string> {
    yield* lock(participant, 'begin')
    yield store(ITEMS, items)
    yield* serve(words, count)
    yield* releaseMutex(MUTEX, participant)
    return 'put'
  }

/** Waits for a notification without a predicate; the notifier notifies until `expected` have gone. */
function* sleeper(participant: number): Steps<string> {
  yield* lock(participant, 'begin')
  const notified = yield* waitOnce(participant, false, 'sleeper')
  yield* releaseMutex(MUTEX, participant)
  return notified ? 'notified' : 'gave up'
}

/** Notifies one at a time until `all` were reached, and each notification reaches exactly one. */
const notifier = (all: number) =>
  function* (participant: number): Steps<number> {
    let reached = 0
    while (reached < all) {
      yield* lock(participant, 'notifier', reached)
      const now = yield* serve(words, 1)
      if (now > 1) throw new Error('it notified more than it was told')
      reached += now
      yield* releaseMutex(MUTEX, participant)
      if (now === 0) yield spinHint()
    }
    return reached
  }

/**
 * Notifies one, and nobody else before that one has got it or nobody is left who could: a notification that dies with one of
 * two sleepers keeps the other one, and this, waiting for ever.
 */
function* onlyWhenTheFirstHasGotIt(participant: number): Steps<string> {
  for (let round = 0; ; ) {
    yield checkpoint(['look', round])
    const got = yield load(GOT)
    let gone = 0
    for (const other of [1, 2]) if (got & (1 << other) || (yield isDead(other))) gone += 1
    if (gone === 2) return 'done'
    if (round > 0 && got === 0) {
      yield spinHint()
      continue
    }
    yield* lock(participant, 'notify', round)
    const now = yield* serve(words, 1)
    yield* releaseMutex(MUTEX, participant)
    if (now === 0) yield spinHint()
    else round = 1
  }
}

const row = (
  configuration: string,
  threads: ModelRow['options']['threads'],
  final: NonNullable<ModelRow['options']['final']>,
  options: Partial<ModelRow['options']> = {},
  quick?: true,
): ModelRow => ({
  primitive: 'Condition',
  configuration,
  options: {
    memory,
    threads,
    final,
    slicedWaits: options.choices?.kills !== undefined,
    maxStates: 6_000_000,
    ...options,
  },
  ...(quick ? { quick } : {}),
})

const count = (results: Readonly<Record<string, unknown>>, result: unknown) =>
  Object.values(results).filter((each) => each === result).length

export const conditionModels: readonly ModelRow[] = [
  row(
    '2 consumers, 1 producer of 2 items, notify(2)',
    { a: consumer(true), b: consumer(true), c: producer(2, 2) },
    ({ memory: seen }, results) => (seen[ITEMS] === 0 && count(results, 'took') === 2) || 'an item is left',
    {},
    true,
  ),
  row(
    '2 consumers, 1 producer of 1 item, notify(1), 1 abort',
    { a: consumer(true), b: consumer(true), c: producer(1, 1) },
    ({ memory: seen }, results) =>
      count(results, 'gave up') === 0 || count(results, 'took') + (seen[ITEMS] as number) === 1 || 'an item was lost',
    // One that finds nothing for ever is the other consumer: it may give up in the end.
    { choices: { aborts: 1, timeouts: { budget: 0, threads: ['a', 'b'], certain: true } } },
  ),
  row(
    '2 sleepers, one that notifies until both are awake',
    { a: sleeper, b: sleeper, c: notifier(2) },
    (_snapshot, results) => count(results, 'notified') === 2 || 'not everybody was notified',
    {},
    true,
  ),
  row(
    '2 sleepers, notified one after the other, 1 kill',
    { a: sleeper, b: sleeper, c: onlyWhenTheFirstHasGotIt },
    () => true,
    { choices: { kills: { budget: 1, threads: ['a', 'b'] } } },
  ),
  row(
    '2 sleepers, notified one after the other, 1 kill, 1 time-out',
    { a: sleeper, b: sleeper, c: onlyWhenTheFirstHasGotIt },
    () => true,
    { choices: { kills: { budget: 1, threads: ['a', 'b'] }, timeouts: { budget: 1, threads: ['a', 'b'] } } },
  ),
]
