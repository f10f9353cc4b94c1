import * as layout from '../../build/topic/layout.js'
import type { ModelRow } from './model-row.ts'
import { publisher, reader, recordOf, type Topic, topicOf } from './topic-threads.ts'

const { CURSOR, DISCONNECT, FLOOR, OLDEST, PARTICIPANT, POLICY, SKIP, TAIL, WAIT } = layout

type Final = NonNullable<ModelRow['options']['final']>
type Invariant = NonNullable<ModelRow['options']['invariant']>

/** The invariants of `broadcast.ts` over the words, after every step. */
const wordsAgree =
  (topic: Topic): Invariant =>
  ({ memory }: { readonly memory: Int32Array }) => {
    const at = (index: number): number => memory[index] as number
    if (at(OLDEST) > at(FLOOR) || at(FLOOR) > at(TAIL) || at(TAIL) - at(OLDEST) > topic.capacity)
      return `OLDEST ${at(OLDEST)}, FLOOR ${at(FLOOR)}, TAIL ${at(TAIL)}`
    for (let i = 0; i < topic.maxSubscribers; i++) {
      const record = recordOf(i)
      if (at(record + PARTICIPANT) === 0 || at(record + POLICY) !== WAIT) continue
      if (at(record + CURSOR) < at(FLOOR)) return `subscriber ${i} at ${at(record + CURSOR)}, FLOOR ${at(FLOOR)}`
    }
    for (let number = at(OLDEST); number < at(TAIL); number++) {
      const start = at(topic.entries + (number & topic.mask) * 2)
      const value = at(topic.data + start)
      for (let word = 0; word < topic.length; word++)
        if (value === 0 || at(topic.data + start + word) !== value) return `message ${number} is not whole`
    }
    return true
  }

/**
 * Each of these threads has one of these outcomes, if it was not killed.
 *
 * @param ignored - what is left out of the outcomes: t where time may be up at any moment
 */
const outcomesOf =
  (expected: Readonly<Record<string, readonly string[]>>, ignored = ''): Final =>
  (_, results) => {
    for (const [name, allowed] of Object.entries(expected)) {
      const result = results[name] as string | undefined
      if (result !== undefined && !allowed.includes(result.replaceAll(ignored || ' ', ''))) return `${name}: ${result}`
    }
    return true
  }

/** The messages of what a reader returned; of one that was killed, none. */
const messagesOf = (result: unknown): string => (typeof result === 'string' ? result.replaceAll(/-\d|\D/g, '') : '')

/** Whoever has seen two messages has seen them in the order in which the others have seen them. */
const oneOrder =
  (...readers: readonly string[]): Final =>
  (_, results) => {
    const orders = readers.map((name) => messagesOf(results[name]))
    for (const each of orders)
      for (const other of orders) {
        const common = each
          .split('')
          .filter((message) => other.includes(message))
          .join('')
        const theirs = other
          .split('')
          .filter((message) => each.includes(message))
          .join('')
        if (common !== theirs) return `one saw ${each}, another one ${other}`
      }
    return true
  }

const both =
  (...checks: readonly Final[]): Final =>
  (snapshot, results) => {
    for (const check of checks) {
      const verdict = check(snapshot, results)
      if (verdict !== true) return verdict
    }
    return true
  }

const row = (
  configuration: string,
  topic: Topic,
  threads: ModelRow['options']['threads'],
  final: Final,
  options: Partial<ModelRow['options']> = {},
  quick?: true,
): ModelRow => ({
  algorithm: 'topic',
  configuration,
  options: { memory: topic.memory, threads, final, invariant: wordsAgree(topic), maxStates: 8_000_000, ...options },
  ...(quick && { quick }),
})

/** Room for one message of one word. */
const one = { capacity: 1, dataWords: 1, length: 1 }
/** Room for one message of two words, which can be torn. */
const long = { capacity: 2, dataWords: 3, length: 2 }
const endsInTime = { timeouts: { budget: 0, certain: true } }

const waitTwo = topicOf({ ...one, maxSubscribers: 2 }, [
  [2, WAIT],
  [3, WAIT],
])
const waitOne = topicOf({ ...one, maxSubscribers: 1 }, [[3, WAIT]])
const skipOne = topicOf({ ...long, maxSubscribers: 1 }, [[2, SKIP]])
const skipTwo = topicOf({ ...long, maxSubscribers: 1 }, [[3, SKIP]])
const cutOne = topicOf({ ...long, maxSubscribers: 1 }, [[2, DISCONNECT]])
const mixed = topicOf({ ...one, maxSubscribers: 2 }, [
  [2, WAIT],
  [3, SKIP],
])
const nobody = topicOf({ ...one, maxSubscribers: 1 })
const waitThenFree = topicOf({ ...one, maxSubscribers: 1 }, [[2, WAIT]])

const waitReader = (topic: Topic, early: number, count: number) => reader(topic, { early, count, policy: WAIT })
const skipReader = (topic: Topic, early: number, count: number) => reader(topic, { early, count, policy: SKIP })

export const topicModels: readonly ModelRow[] = [
  row(
    '1 publisher of 2 messages, 1 subscriber that is waited for, room for 1, 1 kill',
    waitThenFree,
    { a: publisher(waitThenFree, [1, 2]), b: waitReader(waitThenFree, 0, 2) },
    outcomesOf({ a: ['12'], b: ['12', '1t', 'tt'] }),
    { choices: { kills: 1, timeouts: { budget: 0, threads: ['b'], certain: true } }, slicedWaits: true },
    true,
  ),
  row(
    '1 publisher of 2 messages, 2 subscribers that are waited for, room for 1',
    waitTwo,
    { a: publisher(waitTwo, [1, 2]), b: waitReader(waitTwo, 0, 2), c: waitReader(waitTwo, 1, 2) },
    outcomesOf({ a: ['12'], b: ['12'], c: ['12'] }),
  ),
  row(
    '1 publisher of 2 messages, 2 subscribers that are waited for, room for 1, 1 kill',
    waitTwo,
    { a: publisher(waitTwo, [1, 2]), b: waitReader(waitTwo, 0, 2), c: waitReader(waitTwo, 1, 2) },
    // The publisher never fails for want of room: whoever is dead is not waited for.
    outcomesOf({ a: ['12'], b: ['12', '1t', 'tt'], c: ['12', '1t', 'tt'] }),
    { choices: { kills: 1, timeouts: { budget: 0, threads: ['b', 'c'], certain: true } }, slicedWaits: true },
  ),
  row(
    '2 publishers, 1 subscriber that is waited for, room for 1, 1 kill, 1 time-out',
    waitOne,
    { a: publisher(waitOne, [1]), b: publisher(waitOne, [2]), c: waitReader(waitOne, 0, 2) },
    outcomesOf({ a: ['1', 't'], b: ['2', 't'], c: ['12', '21', '1t', '2t', 't1', 't2', 'tt'] }),
    { choices: { kills: 1, timeouts: { budget: 1, certain: true } }, slicedWaits: true },
  ),
  row(
    '2 publishers, 1 subscriber that is waited for, 1 abort',
    waitOne,
    { a: publisher(waitOne, [1]), b: publisher(waitOne, [2]), c: waitReader(waitOne, 0, 1) },
    outcomesOf({ a: ['1', 't'], b: ['2'], c: ['1', '2'] }),
    { choices: { aborts: { budget: 1, threads: ['a'] } } },
    true,
  ),
  row(
    '1 publisher of 3 messages of two words, 1 subscriber that skips: nothing torn',
    skipOne,
    { a: publisher(skipOne, [1, 2, 3]), b: skipReader(skipOne, 0, 2) },
    outcomesOf({ a: ['123'], b: ['12', '1-13', '-123', '-23t', '1t', 'tt', '-12t', '-13t', '-123'] }),
    { choices: endsInTime },
    true,
  ),
  row(
    '1 publisher of 7 messages of two words, 1 subscriber that skips: overrun again and again',
    skipOne,
    { a: publisher(skipOne, [1, 2, 3, 4, 5, 6, 7]), b: skipReader(skipOne, 0, 1) },
    (_, results) => {
      const result = String(results.b)
      const [, lost = 0, message] = /^(?:-(\d))?(\d)$/.exec(result) ?? []
      return Number(message) === Number(lost) + 1 || `b: ${result}`
    },
    { choices: endsInTime },
  ),
  row(
    '2 publishers of messages of two words, 1 subscriber that skips, 1 kill: nothing torn, nothing half published',
    skipTwo,
    { a: publisher(skipTwo, [1, 2]), b: publisher(skipTwo, [3]), c: skipReader(skipTwo, 0, 2) },
    both(outcomesOf({ a: ['12'], b: ['3'] }), (_, results) => {
      const seen = messagesOf(results.c)
      return (!seen.includes('21') && new Set(seen).size === seen.length) || `c: ${seen}`
    }),
    { choices: { kills: 1, ...endsInTime }, slicedWaits: true },
  ),
  row(
    '1 publisher of 3 messages of two words, 1 subscriber that is cut off',
    cutOne,
    { a: publisher(cutOne, [1, 2, 3], true), b: reader(cutOne, { early: 0, count: 4, policy: DISCONNECT }) },
    outcomesOf({ a: ['123'], b: ['123c', '-1x', '-2x', '-3x', '1-1x', '1-2x', '12-1x'] }),
    {},
    true,
  ),
  row(
    '1 publisher of 2 messages, 1 subscriber that is waited for, 1 that skips, 1 kill',
    mixed,
    { a: publisher(mixed, [1, 2]), b: waitReader(mixed, 0, 2), c: skipReader(mixed, 1, 2) },
    both(oneOrder('b', 'c'), outcomesOf({ a: ['12'], b: ['12', '1t', 'tt'] })),
    { choices: { kills: 1, timeouts: { budget: 0, threads: ['b', 'c'], certain: true } }, slicedWaits: true },
  ),
  row(
    '2 subscribers come and go at one record, 1 publisher, 1 kill',
    nobody,
    {
      a: publisher(nobody, [1], true),
      b: reader(nobody, { count: 1, policy: WAIT }),
      c: reader(nobody, { count: 2, policy: WAIT }),
    },
    outcomesOf({ a: ['1'], b: ['1', 'c', 'n', ''], c: ['1c', 'c', 'n', '1', ''] }, 't'),
    { choices: { kills: 1, timeouts: { budget: 0, threads: ['b', 'c'], certain: true } }, slicedWaits: true },
  ),
  row(
    'the record of a dead subscriber is found by one who subscribes and by one who publishes',
    waitThenFree,
    {
      a: publisher(waitThenFree, [1, 2], true),
      b: { run: waitReader(waitThenFree, 0, 1), participant: 2 },
      c: reader(waitThenFree, { count: 2, policy: WAIT }),
    },
    outcomesOf({ a: ['12'], b: ['1', ''], c: ['12', '2c', 'c', 'n', '1', '2', ''] }, 't'),
    { choices: { kills: { budget: 1, threads: ['b'] }, ...endsInTime }, slicedWaits: true },
  ),
  row(
    'closed while 1 publisher and 1 subscriber wait',
    waitOne,
    {
      a: publisher(waitOne, [1, 2]),
      b: publisher(waitOne, [], true),
      c: waitReader(waitOne, 0, 3),
    },
    outcomesOf({ a: ['12', '1c', 'cc'], c: ['12c', '1c', 'c'] }),
  ),
]
