import { add, checkpoint, load, type Steps, store } from '@heddle/interleave'
import { giveSignal, removeSignal, takeSignal } from '../../build/algorithms/auto-reset-event.js'
import { countDown, waitForLatch, wordFor } from '../../build/algorithms/latch.js'
import { resetEvent, setEvent, waitForEvent } from '../../build/algorithms/manual-reset-event.js'
import type { ModelRow } from './model-row.ts'
import { within } from './words.ts'

const EVENT = 0
const DATA = 1
const ASLEEP = 2

const row = (
  primitive: string,
  configuration: string,
  memory: readonly number[],
  threads: ModelRow['options']['threads'],
  final: NonNullable<ModelRow['options']['final']>,
  options: Partial<ModelRow['options']> = {},
): ModelRow => ({
  primitive,
  configuration,
  options: { memory, threads, final, maxStates: 4_000_000, ...options },
  quick: true,
})

const count = (results: Readonly<Record<string, unknown>>, result: unknown) =>
  Object.values(results).filter((each) => each === result).length

function* waiter(): Steps<string> {
  if (!(yield* waitForEvent(EVENT))) return 'gave up'
  if ((yield load(DATA)) !== 1) throw new Error('it does not see what was written before the event was set')
  return 'through'
}

function* setter(): Steps<string> {
  yield store(DATA, 1)
  yield* setEvent(EVENT)
  return 'set'
}

/** Sets and resets at once, when both others are known to have come. */
function* flasher(): Steps<string> {
  while ((yield load(ASLEEP)) < 2) yield { op: 'yield' }
  yield store(DATA, 1)
  yield* setEvent(EVENT)
  yield* resetEvent(EVENT)
  return 'set'
}

/** Says that it came by a word of its own, after which it has looked at the event already. */
function* earlyWaiter(): Steps<string> {
  const steps = waitForEvent(EVENT)
  let next = steps.next()
  let looked = 0
  while (!next.done) {
    // Without its checkpoints: they do not know that this has said already that it came.
    if (next.value.op === 'checkpoint') {
      next = steps.next(0)
      continue
    }
    const found: number = yield next.value
    next = steps.next(found)
    looked += 1
    // Two looks: how often it was set before, and whether it is set now.
    if (looked === 2) yield add(ASLEEP, 1)
  }
  return next.value ? 'through' : 'gave up'
}

function* taker(): Steps<string> {
  return (yield* takeSignal(EVENT)) ? 'took' : 'gave up'
}

function* giver(): Steps<string> {
  yield* giveSignal(EVENT)
  return 'gave'
}

function* giverTwice(): Steps<string> {
  yield* giveSignal(EVENT)
  while ((yield load(EVENT)) & 1) yield { op: 'yield' }
  yield checkpoint('again')
  yield* within(['again'], giveSignal(EVENT))
  return 'gave'
}

function* remover(): Steps<string> {
  return (yield* removeSignal(EVENT)) ? 'took' : 'nothing'
}

const counter = (by: number) =>
  function* (): Steps<number> {
    yield add(DATA, by)
    return yield* countDown(EVENT, by)
  }

function* latchWaiter(): Steps<string> {
  if (!(yield* waitForLatch(EVENT))) return 'gave up'
  if ((yield load(DATA)) !== 2) throw new Error('the latch opened too early')
  return 'through'
}

export const eventModels: readonly ModelRow[] = [
  row(
    'ManualResetEvent',
    '2 waiters, 1 time-out, 1 kill',
    [0, 0],
    { a: waiter, b: waiter, c: setter },
    (_s, results) => count(results, 'gave up') <= 1 || 'both gave up',
    { choices: { timeouts: 1, kills: { budget: 1, threads: ['a', 'b'] } } },
  ),
  row(
    'ManualResetEvent',
    '2 waiters, set and reset at once, 1 spurious wake-up',
    [0, 0, 0],
    { a: earlyWaiter, b: earlyWaiter, c: flasher },
    (_s, results) => count(results, 'through') === 2 || 'one slept through it',
    { choices: { spurious: 1 } },
  ),
  row(
    'AutoResetEvent',
    '2 waiters, 2 signals',
    [0],
    { a: taker, b: taker, c: giverTwice },
    (s, results) =>
      (count(results, 'took') === 2 && (s.memory[EVENT] as number) % 2 === 0) || 'not everybody went through',
  ),
  row(
    'AutoResetEvent',
    '2 waiters, 2 signals one after the other, 1 abort',
    [0],
    { a: taker, b: taker, c: giverTwice },
    (_s, results) => results.b === 'took' || 'the other one was not let through',
    { choices: { aborts: { budget: 1, threads: ['a'] } } },
  ),
  row(
    'AutoResetEvent',
    '2 waiters, 1 signal, 1 abort',
    [0],
    { a: taker, b: taker, c: giver },
    (s, results) =>
      count(results, 'took') + ((s.memory[EVENT] as number) & 1) === 1 || 'the signal was lost or doubled',
    { choices: { aborts: 1, timeouts: { budget: 0, certain: true } } },
  ),
  row(
    'AutoResetEvent',
    '2 waiters, 1 signal, 1 kill, 1 time-out',
    [0],
    { a: taker, b: taker, c: giver },
    (_s, results) => count(results, 'took') <= 1 || 'the signal was doubled',
    { choices: { kills: 1, timeouts: { budget: 1, certain: true } }, slicedWaits: true },
  ),
  row(
    'AutoResetEvent',
    '2 waiters, 1 signal, 1 that takes it away',
    [0],
    { a: taker, b: giver, c: remover },
    (s, results) =>
      count(results, 'took') + ((s.memory[EVENT] as number) & 1) === 1 || 'the signal was lost or doubled',
    { choices: { timeouts: { budget: 0, certain: true } } },
  ),
  row(
    'Latch',
    '1 waiter, 2 that count down, 1 time-out, 1 spurious wake-up',
    [wordFor(2), 0],
    { a: latchWaiter, b: counter(1), c: counter(1) },
    (s) => (s.memory[EVENT] as number) >> 1 === 0 || 'it did not open',
    { choices: { timeouts: 1, spurious: 1 } },
  ),
  row(
    'Latch',
    '2 waiters, counted down at once, 1 kill, 1 time-out',
    [wordFor(2), 0],
    { a: latchWaiter, b: latchWaiter, c: counter(2) },
    (_s, results) => count(results, 'gave up') <= 1 || 'it did not open',
    { choices: { timeouts: 1, kills: { budget: 1, threads: ['a', 'b'] } } },
  ),
]
