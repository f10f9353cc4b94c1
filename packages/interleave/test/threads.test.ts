import { add, checkpoint, compareExchange, explore, load, notify, type Steps, store, wait } from '@heddle/interleave'
import { describe, expect, test } from '@jest/globals'

describe('a thread', () => {
  test('gets its participant number: 1, 2, 3 in the order of the model, or the one that is given', () => {
    const numbers: number[] = []
    const run = function* (participant: number): Steps<void> {
      numbers.push(participant)
      yield load(0)
    }
    explore({ memory: 1, threads: { a: run, b: run, c: { run, participant: 40 } } })
    expect(new Set(numbers)).toEqual(new Set([1, 2, 40]))
  })

  test('may do nothing at all', () => {
    const report = explore({ memory: 0, threads: { *a() {} }, final: (_snapshot, { a }) => a === undefined })
    expect(report).toMatchObject({ verdict: 'complete', states: 1, executions: 1 })
  })

  test('that depends on more than the results of its steps is refused', () => {
    let count = 0
    const counts = function* (): Steps<void> {
      const number = count++
      yield load(0)
      yield store(0, number)
      yield load(0)
    }
    expect(() => explore({ memory: 1, threads: { a: counts, b: counts } })).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARG',
        message: expect.stringContaining('depends on something else than the results of its steps'),
      }),
    )
  })

  test('that ends sooner the second time is refused as well', () => {
    let first = true
    const onlyOnce = function* (): Steps<void> {
      const goesOn = first
      first = false
      yield load(0)
      if (goesOn) yield load(0)
    }
    const changes = function* (): Steps<void> {
      yield store(0, 1)
      yield store(0, 2)
    }
    expect(() => explore({ memory: 1, threads: { a: onlyOnce, b: changes } })).toThrow('the next step is now')
  })
})

describe('a checkpoint', () => {
  /** Adds `rounds` times; with checkpoints its past does not count. */
  const adds = (rounds: number, remembers: boolean) =>
    function* (): Steps<void> {
      for (let round = 0; round < rounds; round++) {
        if (remembers) yield checkpoint(round)
        yield add(0, 1)
        yield load(0)
      }
    }

  test('takes nothing away from what is explored', () => {
    const endings = (remembers: boolean) => {
      const ends = new Set<number>()
      const report = explore({
        memory: 1,
        threads: { a: adds(4, remembers), b: adds(4, remembers) },
        invariant({ memory }) {
          ends.add(memory[0] ?? 0)
          return true
        },
      })
      return { ends, report }
    }
    const withIt = endings(true)
    const without = endings(false)
    expect(withIt.ends).toEqual(without.ends)
    expect(withIt.report.verdict).toBe('complete')
    expect(withIt.report.states).toBeLessThan(without.report.states / 10)
  })

  test('makes a loop without end finite', () => {
    const forEver = function* (): Steps<void> {
      for (;;) {
        yield checkpoint('again')
        if ((yield compareExchange(0, 0, 1)) === 0) {
          yield store(0, 0)
          yield notify(0, 1)
        } else yield wait(0, 1)
      }
    }
    const once = function* (): Steps<void> {
      yield load(0)
    }
    const { verdict, states, failure } = explore({ memory: 1, threads: { a: forEver, b: forEver, once } })
    // Nobody ever ends: that is a defect of a program, and no bound.
    expect({ verdict, kind: failure?.kind }).toEqual({ verdict: 'failed', kind: 'stuck' })
    expect(states).toBeLessThan(100)
  })

  test('that leaves out something that matters is refused', () => {
    const forgets = function* (): Steps<void> {
      const seen = yield load(0)
      yield checkpoint('here')
      yield store(1, seen)
    }
    const changes = function* (): Steps<void> {
      yield store(0, 1)
    }
    expect(() => explore({ memory: 2, threads: { forgets, changes } })).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARG',
        message: expect.stringContaining('the checkpoint "here" of thread forgets leaves out something that matters'),
      }),
    )
  })

  test.each([
    [1, '1'],
    [null, undefined],
    [0, -0],
    [1n, 1],
    [['a', 'b'], ['a,b']],
    [[1], 1],
    [true, 'true'],
  ])('tells %p from %p', (one, other) => {
    const goes = function* (): Steps<void> {
      const seen = yield load(0)
      yield checkpoint(seen === 0 ? one : other)
      yield store(0, seen)
    }
    const changes = function* (): Steps<void> {
      yield store(0, 1)
    }
    expect(explore({ memory: 1, threads: { goes, changes } }).verdict).toBe('complete')
  })

  test('after checkpoint without a step between them is a failure of the thread', () => {
    const loops = function* (): Steps<void> {
      yield load(0)
      for (;;) yield checkpoint('again')
    }
    expect(explore({ memory: 1, threads: { loops } }).failure?.message).toMatch('checkpoints follow each other')
  })
})
