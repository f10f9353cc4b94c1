import {
  add,
  compareExchange,
  exchange,
  explore,
  isDead,
  load,
  notify,
  type Step,
  store,
  wait,
} from '@heddle/interleave'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { exploreNaively } from './support/naive.ts'
import { straight } from './support/programs.ts'

/** Steps that do not get in each other's way, so that only their number counts. */
const loads = (count: number) => straight(Array.from({ length: count }, () => load(0)))

/** (a + b + …)! / (a! · b! · …) */
function interleavings(...lengths: readonly number[]): number {
  let count = 1
  let total = 0
  for (const length of lengths) for (let i = 1; i <= length; i++) count = (count * ++total) / i
  return Math.round(count)
}

describe('the number of executions', () => {
  test.each(['1 1', '2 1', '0 3', '4 4', '1 2 3', '2 2 2', '1 1 1 1'])('is right for threads of %s steps', (text) => {
    const lengths = text.split(' ').map(Number)
    const threads = Object.fromEntries(lengths.map((length, i) => [`t${i}`, loads(length)]))
    expect(explore({ memory: 1, threads, cache: false }).executions).toBe(interleavings(...lengths))
  })

  test('two threads of three steps have 20 schedules, and none is left out or run twice', () => {
    const schedules: string[] = []
    // What each step finds is its place in the schedule.
    const counts = straight([add(0, 1), add(0, 1), add(0, 1)])
    const report = explore({
      memory: 1,
      threads: { a: counts, b: counts },
      cache: false,
      final(_snapshot, { a, b }) {
        schedules.push(`${String(a)} ${String(b)}`)
        return true
      },
    })
    expect(report).toMatchObject({ verdict: 'complete', executions: 20, bounds: [] })
    expect(schedules).toHaveLength(20)
    expect(new Set(schedules).size).toBe(20)
  })

  test('a kill at any point of one thread multiplies by the points there are', () => {
    const report = explore({ memory: 1, threads: { a: loads(3) }, choices: { kills: 1 }, cache: false })
    expect(report).toMatchObject({ verdict: 'complete', executions: 4, events: { kills: 3 } })
  })

  test('with the cache each state is looked at once', () => {
    const report = explore({ memory: 1, threads: { a: loads(3), b: loads(3) } })
    expect(report).toMatchObject({ verdict: 'complete', states: 16, executions: 1 })
  })
})

describe('beside the explorer that does the obvious', () => {
  const word = fc.integer({ min: 0, max: 1 })
  const value = fc.integer({ min: 0, max: 2 })
  const step: fc.Arbitrary<Step> = fc.oneof(
    word.map(load),
    fc.tuple(word, value).map(([index, number]) => store(index, number)),
    fc.tuple(word, value).map(([index, number]) => exchange(index, number)),
    fc.tuple(word, fc.constantFrom(-1, 1)).map(([index, number]) => add(index, number)),
    fc.tuple(word, value, value).map(([index, expected, number]) => compareExchange(index, expected, number)),
    fc.tuple(word, value).map(([index, expected]) => wait(index, expected)),
    fc.tuple(word, fc.integer({ min: 0, max: 2 })).map(([index, count]) => notify(index, count)),
    fc.integer({ min: 1, max: 3 }).map(isDead),
  )
  const program = fc.record({
    memory: fc.tuple(value, value),
    threads: fc.array(fc.array(step, { maxLength: 3 }), { minLength: 2, maxLength: 3 }),
    events: fc.constantFrom({}, { timeouts: 1 }, { aborts: 1 }, { kills: 1 }, { spurious: 1 }, { aborts: 1, kills: 1 }),
  })

  test.each([true, false])('random programs come to the same ends and deadlocks; cache %p', (cache) => {
    fc.assert(
      fc.property(program, ({ memory, threads, events }) => {
        const begin = threads.map(straight)
        const naive = exploreNaively(memory, begin, { timeouts: 0, aborts: 0, kills: 0, spurious: 0, ...events })
        const ends = new Set<string>()
        const names = threads.map((_, i) => `t${i}`)
        const report = explore({
          memory,
          threads: Object.fromEntries(names.map((name, i) => [name, begin[i] as () => ReturnType<(typeof begin)[0]>])),
          choices: events,
          cache,
          final(snapshot, results) {
            const found = names.map((name) => (typeof results[name] === 'string' ? results[name] : 'killed'))
            ends.add(`${snapshot.memory.join()} ${found.join(' ')}`)
            return true
          },
        })
        // A search ends at the first deadlock; the ends it has come to by then are some of all.
        const hasDeadlock = naive.deadlocks.size > 0
        const unknown = [...ends].filter((end) => !naive.ends.has(end))
        const missed = hasDeadlock ? [] : [...naive.ends].filter((end) => !ends.has(end))
        expect({ verdict: report.verdict, kind: report.failure?.kind, unknown, missed }).toEqual({
          verdict: hasDeadlock ? 'failed' : 'complete',
          kind: hasDeadlock ? 'deadlock' : undefined,
          unknown: [],
          missed: [],
        })
        expect(cache || report.executions <= naive.executions).toBe(true)
      }),
      { numRuns: 150, seed: 7 },
    )
  })
})
