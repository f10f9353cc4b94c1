import {
  add,
  compareExchange,
  exchange,
  explore,
  GAVE_UP,
  isDead,
  load,
  notify,
  replay,
  type Step,
  store,
  type ThreadFunction,
  WOKEN,
  wait,
} from '@heddle/interleave'
import { describe, expect, test } from '@jest/globals'
import { straight } from './support/programs.ts'

/** What each step finds when one thread does them, and the memory afterwards. */
function alone(memory: readonly number[], ...steps: readonly Step[]) {
  let outcome: { found: unknown; memory: number[] } | undefined
  const report = explore({
    memory,
    threads: { a: straight(steps) },
    final(snapshot, { a }) {
      outcome = { found: a, memory: [...snapshot.memory] }
      return true
    },
  })
  expect(report.verdict).toBe('complete')
  return outcome
}

describe('a step', () => {
  test('load, store, exchange and add find the old value; store finds nothing', () => {
    expect(alone([5, 6], load(1), store(0, 7), exchange(0, 8), add(0, -3), load(0))).toEqual({
      found: '6,0,7,8,5',
      memory: [5, 6],
    })
  })

  test('compareExchange stores only over the expected value', () => {
    expect(alone([5], compareExchange(0, 4, 9), compareExchange(0, 5, 9), load(0))).toEqual({
      found: '5,5,9',
      memory: [9],
    })
  })

  test('words hold 32 bits and wrap around', () => {
    const most = 2 ** 31 - 1
    expect(alone([most], add(0, 1), load(0), store(0, 2 ** 32 + 3), compareExchange(0, 2 ** 32 + 3, 4))).toEqual({
      found: `${most},${-(2 ** 31)},0,3`,
      memory: [4],
    })
  })

  test('a wait on another value than the word holds goes on at once', () => {
    expect(alone([1], wait(0, 0), load(0))?.found).toBe(`${WOKEN},1`)
  })

  test('a notify without sleepers wakes nobody, however many it asks for', () => {
    expect(alone([0], notify(0, 0), notify(0, -1), notify(0, 1), notify(0, Infinity))?.found).toBe('0,0,0,0')
  })

  test('isDead is about threads, by their participant numbers; who finished is not dead', () => {
    const asks = straight([isDead(7), isDead(8), isDead(9)])
    const { failure } = explore({
      memory: 1,
      threads: { a: { run: asks, participant: 7 }, b: { run: straight([load(0)]), participant: 8 } },
      choices: { kills: { budget: 1, threads: ['b'] } },
      final: (_snapshot, { a, b }) => a !== '0,1,0' || b !== undefined,
    })
    expect(failure?.schedule).toContain('!b')
    const finishes = replay({ memory: 1, threads: { a: straight([load(0)]), b: straight([isDead(1)]) } }, 'ab')
    expect(finishes.trace).toEqual(['a · load [0] · 0 · [0]=0', 'b · isDead 1 · no · [0]=0'])
  })
})

describe('those who sleep', () => {
  const sleeper: ThreadFunction = function* () {
    yield wait(0, 0)
    return yield add(1, 1)
  }
  const model = (...counts: number[]) => ({
    memory: { word: 0, order: 0 },
    threads: { a: sleeper, b: sleeper, c: sleeper, waker: straight(counts.map((count) => notify(0, count))) },
  })

  test('are woken in the order in which they fell asleep', () => {
    const { trace } = replay(model(1, 1, 1), 'cabdcdadb')
    expect(trace.filter((line) => line.startsWith('waker'))).toEqual([
      'waker · notify word 1 · wakes c · word=0 order=0',
      'waker · notify word 1 · wakes a · word=0 order=0',
      'waker · notify word 1 · wakes b · word=0 order=0',
    ])
  })

  test('are woken by as many as the count says, and the others move up', () => {
    const { trace, failure } = replay(model(2, 1), 'bcadbcda')
    expect(trace.filter((line) => line.startsWith('waker'))).toEqual([
      'waker · notify word 2 · wakes b, c · word=0 order=0',
      'waker · notify word 1 · wakes a · word=0 order=0',
    ])
    expect(failure).toBeUndefined()
  })
})

test('a step that cannot be done is a failure of its thread', () => {
  const messageOf = (step: unknown) =>
    explore({
      memory: 2,
      threads: {
        *a() {
          yield step as Step
        },
      },
    }).failure?.message
  expect(messageOf(load(2))).toBe('a threw RangeError: there is no word 2 for a load: memory has 2')
  expect(messageOf(load(-1))).toMatch('there is no word -1')
  expect(messageOf(store(0, Number.NaN))).toBe('a threw TypeError: value of a store must be a whole number, not NaN')
  expect(messageOf(notify(0, Number.NaN))).toMatch('count of a notify must be a number')
  expect(messageOf({ op: 'jump' })).toBe('a threw TypeError: there is no step jump')
  expect(messageOf(undefined)).toBe('a threw TypeError: a thread must yield steps, not undefined')
  expect(messageOf({ op: 'checkpoint', state: {} })).toMatch('a threw TypeError')
  expect(messageOf({ op: 'checkpoint', state: [[]] })).toMatch('a checkpoint remembers plain values')
  expect(GAVE_UP).not.toBe(WOKEN)
})
