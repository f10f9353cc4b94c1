import {
  compareExchange,
  type ExploreOptions,
  explore,
  load,
  notify,
  type Steps,
  store,
  wait,
} from '@heddle/interleave'
import { describe, expect, test } from '@jest/globals'
import { adders, addOne } from './bug-bank/bug.ts'
import { mutex, takesWithOne } from './bug-bank/mutex.ts'

const increments: ExploreOptions = {
  memory: { count: 0 },
  threads: { a: () => addOne(0), b: () => addOne(0) },
  final: ({ memory }) => memory[0] === 2 || `two increments made ${memory[0]}`,
}

function* take(index: number): Steps<void> {
  while ((yield compareExchange(index, 0, 1)) !== 0) yield wait(index, 1)
}

function* letGo(index: number): Steps<void> {
  yield store(index, 0)
  yield notify(index, 1)
}

function* takeBoth(first: number, second: number): Steps<void> {
  yield* take(first)
  yield* take(second)
  yield* letGo(second)
  yield* letGo(first)
}

const oppositeOrder: ExploreOptions = {
  memory: { left: 0, right: 0 },
  threads: { a: () => takeBoth(0, 1), b: () => takeBoth(1, 0) },
}

describe('a lost update', () => {
  test('is found, with a schedule in print and the simplest there is', () => {
    const { verdict, failure } = explore(increments)
    expect(verdict).toBe('failed')
    expect(failure).toEqual({
      kind: 'final',
      message: 'two increments made 1',
      schedule: 'ab2a',
      steps: 4,
      trace: [
        'a · load count · 0 · count=0',
        'b · load count · 0 · count=0',
        'b · store count := 1 · done · count=1',
        'a · store count := 1 · done · count=1',
        'final · two increments made 1',
      ],
    })
  })

  test('is not there when the step is atomic', () => {
    const report = explore({ ...increments, threads: { a: atomic, b: atomic } })
    expect(report).toMatchObject({ verdict: 'complete', bounds: [], failure: undefined })
    function* atomic(): Steps<void> {
      for (let seen = yield load(0); ; seen = yield load(0))
        if ((yield compareExchange(0, seen, seen + 1)) === seen) return
    }
  })
})

describe('a deadlock', () => {
  test('is reported with who sleeps on which word for which value', () => {
    const { failure } = explore(oppositeOrder)
    expect(failure?.kind).toBe('deadlock')
    expect(failure?.message).toBe('a sleeps on right (expected 1, is 1); b sleeps on left (expected 1, is 1)')
    expect(failure?.trace.at(-1)).toBe(`deadlock · ${failure?.message}`)
  })

  test('says what the word is by now when the wake-up was missed', () => {
    const { failure } = explore({
      memory: { ready: 0 },
      threads: {
        *sleeper() {
          if ((yield load(0)) === 0) yield wait(0, 0)
        },
        *waker() {
          yield notify(0, 1)
          yield store(0, 1)
        },
      },
    })
    expect(failure?.message).toBe('sleeper sleeps on ready (expected 0, is 1)')
  })

  test('does not count threads that have finished, and names those that were killed', () => {
    const { failure } = explore({
      memory: { lock: 0 },
      threads: {
        *holder() {
          yield* take(0)
          yield* letGo(0)
        },
        *other() {
          yield* take(0)
          yield* letGo(0)
        },
      },
      choices: { kills: { budget: 1, threads: ['holder'] } },
    })
    expect(failure?.message).toBe('holder was killed; other sleeps on lock (expected 1, is 1)')
  })
})

describe('a mutex whose sleepers take it as if nobody slept', () => {
  test('passes with two threads', () => {
    expect(explore(adders(takesWithOne, 2))).toMatchObject({ verdict: 'complete', failure: undefined })
  })

  test('fails with three', () => {
    const { failure } = explore(adders(takesWithOne, 3))
    expect(failure?.kind).toBe('deadlock')
    expect(failure?.steps).toBeLessThanOrEqual(20)
  })

  test('passes with three when it is right', () => {
    expect(explore(adders(mutex, 3)).verdict).toBe('complete')
  })
})

describe('a check', () => {
  const setter: ExploreOptions = {
    memory: 1,
    threads: {
      *a() {
        yield store(0, 1)
        yield store(0, 2)
        return 'done'
      },
    },
  }

  test('of the invariant comes at the start and after each step', () => {
    const seen: (number | undefined)[] = []
    explore({
      ...setter,
      invariant({ memory }) {
        seen.push(memory[0])
        return true
      },
    })
    expect(seen).toEqual([0, 1, 2])
  })

  test('of the invariant fails at the step that breaks it', () => {
    expect(explore({ ...setter, invariant: ({ memory }) => memory[0] !== 1 }).failure).toMatchObject({
      kind: 'invariant',
      message: 'the invariant does not hold',
      steps: 1,
    })
    expect(explore({ ...setter, invariant: () => false }).failure).toMatchObject({ steps: 0, schedule: '' })
  })

  test('of the end gets what the threads returned', () => {
    const report = explore({ ...setter, final: (_snapshot, results) => String(results.a) })
    expect(report.failure).toMatchObject({ kind: 'final', message: 'done', steps: 2 })
  })

  test('may assert, and return nothing', () => {
    const passes = explore({
      ...setter,
      final({ memory }) {
        expect(memory[0]).toBe(2)
        return undefined
      },
    })
    expect(passes.verdict).toBe('complete')
    const fails = explore({
      ...setter,
      final() {
        throw new RangeError('out of it')
      },
    })
    expect(fails.failure).toMatchObject({ kind: 'final', message: 'RangeError: out of it' })
  })

  test('sees a copy: what it writes is not there', () => {
    const report = explore({ ...setter, invariant: ({ memory }) => memory.fill(7) !== undefined, final: twoIsThere })
    expect(report.verdict).toBe('complete')
    function twoIsThere({ memory }: { readonly memory: Int32Array }): boolean {
      return memory[0] === 2
    }
  })

  test('of a state that was come to on two ways is made once', () => {
    let checks = 0
    const report = explore({
      memory: 1,
      threads: { a: () => addOne(0), b: () => addOne(0) },
      invariant() {
        checks++
        return true
      },
    })
    expect(checks).toBe(report.states)
  })
})

test('a thread that throws is a failure with its name and error, also before its first step', () => {
  function* throws(): Steps<void> {
    if ((yield load(0)) === 0) throw new TypeError('not so')
  }
  expect(explore({ memory: 1, threads: { a: throws } }).failure).toMatchObject({
    kind: 'exception',
    message: 'a threw TypeError: not so',
    steps: 1,
  })
  function* throwsAtOnce(participant: number): Steps<void> {
    if (participant > 1) throw new Error('never begun')
    yield load(0)
  }
  expect(explore({ memory: 1, threads: { a: throws, b: throwsAtOnce } }).failure).toMatchObject({
    message: 'b threw Error: never begun',
    schedule: '',
  })
})

test('the same options give the same report', () => {
  expect(explore(oppositeOrder)).toEqual(explore(oppositeOrder))
})
