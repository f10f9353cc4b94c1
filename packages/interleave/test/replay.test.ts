import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { checkpoint, explore, type Failure, load, type Model, replay, type Steps, store } from '@heddle/interleave'
import { describe, expect, test } from '@jest/globals'
import { bugBank } from './bug-bank/run.ts'

const fixture = fileURLToPath(new URL('./fixtures/two-locks.mjs', import.meta.url))
const inFreshProcess = (...args: string[]) =>
  JSON.parse(execFileSync(process.execPath, [fixture, ...args], { encoding: 'utf8' })) as {
    readonly failure: Failure | null
    readonly ended: boolean | null
  }

describe('a schedule in a fresh process', () => {
  test('that fails, fails in the same way at the same step', () => {
    const { failure } = inFreshProcess()
    expect(failure?.kind).toBe('deadlock')
    expect(inFreshProcess(failure?.schedule ?? '')).toEqual({ failure, ended: true })
  })

  test('that passes, passes', () => {
    expect(inFreshProcess('a6b6')).toEqual({ failure: null, ended: true })
  })
})

test('every defect of the bug bank is there again when its schedule is replayed', () => {
  for (const { name, faulty } of bugBank) {
    const { failure } = explore(faulty)
    expect({ name, failure: replay(faulty, failure?.schedule ?? '').failure }).toEqual({ name, failure })
  }
})

const model: Model = {
  memory: { word: 0 },
  threads: {
    *first() {
      yield store(0, yield load(0))
    },
    *second() {
      if ((yield load(0)) === 5) throw new Error('five')
    },
  },
}

describe('a replay', () => {
  test('of a part of a schedule shows that part, and says that it has not ended', () => {
    expect(replay(model, 'a')).toEqual({ failure: undefined, ended: false, trace: ['first · load word · 0 · word=0'] })
    expect(replay(model, '')).toEqual({ failure: undefined, ended: false, trace: [] })
  })

  test('ends at the defect, also if the schedule goes on', () => {
    const { failure, trace } = replay({ ...model, memory: { word: 5 } }, 'ba2')
    expect(failure).toMatchObject({ kind: 'exception', schedule: 'b', steps: 1 })
    expect(trace).toHaveLength(1)
  })

  test('ends at the defect that is there from the start', () => {
    expect(replay({ ...model, invariant: () => 'never' }, 'a').failure).toMatchObject({ steps: 0, message: 'never' })
  })

  test('knows that no end can be reached any more', () => {
    const spins = function* (): Steps<void> {
      do yield checkpoint('spins')
      while ((yield load(0)) === 0)
    }
    expect(replay({ memory: 1, threads: { spins } }, 'a3').failure?.kind).toBe('stuck')
    expect(replay({ memory: [1], threads: { spins } }, '').failure).toBeUndefined()
  })

  test.each([
    ['a9', 'not a schedule of this model: after a2 there is no a, only b'],
    ['a2ba', 'not a schedule of this model: after a2b there is no a, only the end'],
    ['~a', 'not a schedule of this model: after the start there is no ~a, only a, b'],
    ['c', 'not a schedule of 2 threads: c (see from 0)'],
    ['a b', 'not a schedule of 2 threads: a b (see from 1)'],
    ['2a', 'not a schedule of 2 threads: 2a (see from 0)'],
  ])('refuses %p', (schedule, message) => {
    expect(() => replay(model, schedule)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG', message }))
  })

  test('refuses what is not a string', () => {
    expect(() => replay(model, 7 as unknown as string)).toThrow('a schedule must be a string, not 7')
  })

  test('of memory with many words shows those that have changed', () => {
    const many: Model = {
      memory: 20,
      threads: {
        *a() {
          yield load(3)
          yield store(13, 4)
        },
      },
    }
    expect(replay(many, 'a2').trace).toEqual(['a · load [3] · 0 · -', 'a · store [13] := 4 · done · [13]=4'])
  })
})
