import {
  checkpoint,
  type ExploreOptions,
  explore,
  load,
  type Mode,
  notify,
  replay,
  type Steps,
  spinHint,
  store,
  wait,
} from '@heddle/interleave'
import { describe, expect, test } from '@jest/globals'
import { adders, addOne } from './bug-bank/bug.ts'
import { mutex, takesWithOne } from './bug-bank/mutex.ts'
import { bugBank } from './bug-bank/run.ts'
import { straight, until } from './support/programs.ts'

const increments: ExploreOptions = {
  memory: { count: 0 },
  threads: { a: () => addOne(0), b: () => addOne(0) },
  final: ({ memory }) => memory[0] === 2,
}
const modes: readonly (readonly [string, (seed: number, runs: number) => Mode])[] = [
  ['random', (seed, runs) => ({ random: { seed, runs } })],
  ['pct', (seed, runs) => ({ pct: { seed, runs, depth: 3 } })],
]

describe.each(modes)('%s runs', (name, mode) => {
  test('find a lost update', () => {
    expect(explore({ ...increments, mode: mode(1, 100) })).toMatchObject({
      verdict: 'failed',
      failure: { kind: 'final', schedule: expect.stringMatching(/^(ab2a|ba2b)$/), steps: 4 },
    })
  })

  test('find the lost wake-up that takes three threads', () => {
    const model = adders(takesWithOne, 3)
    const { failure } = explore({ ...model, mode: mode(1, 2_000) })
    expect(failure?.kind).toBe('deadlock')
    expect(replay(model, failure?.schedule ?? '').failure).toEqual(failure)
  })

  test('find defects that need events', () => {
    const bug = bugBank.find(({ name: bugName }) => bugName === 'mutex: gives up and keeps the wake-up')
    if (!bug) throw new Error('no such bug')
    expect(explore({ ...bug.faulty, mode: mode(1, 5_000) }).failure?.kind).toBe('deadlock')
  })

  test('are made simpler: what has nothing to do with the defect is left out', () => {
    const bystander = function* (): Steps<void> {
      for (let i = 0; i < 5; i++) yield load(0)
      yield wait(0, 9)
    }
    const model = {
      ...increments,
      threads: { ...increments.threads, bystander },
      choices: { kills: { budget: 1, threads: ['bystander'] }, spurious: 2 },
    }
    for (let seed = 0; seed < 10; seed++)
      expect(explore({ ...model, mode: mode(seed, 200) }).failure?.schedule).toMatch(/^(c6)?(ab2a|ba2b)(c6)?$/)
  })

  test('never pass: without a defect a bound is hit, and says which', () => {
    const report = explore({ ...adders(mutex, 2), mode: mode(7, 50) })
    expect(report).toMatchObject({ verdict: 'bound hit', executions: 50, failure: undefined })
    expect(report.bounds).toEqual([expect.stringMatching(new RegExp(`^50 ${name}.* runs with seed 7$`))])
  })

  test('are the same for the same seed, and others for another', () => {
    const model = { ...adders(mutex, 3), choices: { timeouts: 1, spurious: 1 } }
    expect(explore({ ...model, mode: mode(3, 30) })).toEqual(explore({ ...model, mode: mode(3, 30) }))
    expect(explore({ ...model, mode: mode(3, 30) }).steps).not.toBe(explore({ ...model, mode: mode(4, 30) }).steps)
  })

  test('end although a thread spins, and are cut when it gives no hint', () => {
    const sets = function* (): Steps<void> {
      yield store(0, 1)
    }
    const hinted = explore({ memory: 1, threads: { spins: until(1, load(0), spinHint()), sets }, mode: mode(1, 30) })
    expect(hinted).toMatchObject({ executions: 30, verdict: 'bound hit' })
    expect(hinted.bounds).toHaveLength(1)
    const spinsForEver = function* (): Steps<void> {
      for (;;) {
        yield checkpoint('spins')
        yield load(0)
      }
    }
    const cut = explore({ memory: 1, threads: { spinsForEver }, mode: mode(1, 5), maxSteps: 50 })
    expect(cut).toMatchObject({ verdict: 'bound hit', executions: 0, steps: 250 })
    expect(cut.bounds).toContain('maxSteps 50')
  })
})

test('random runs come to every order of few steps', () => {
  const ends = new Set<string>()
  explore({
    memory: 1,
    threads: { a: () => addOne(0), b: () => addOne(0) },
    mode: { random: { seed: 1, runs: 200 } },
    final({ memory }) {
      ends.add(`${memory[0]}`)
      return true
    },
  })
  expect([...ends].sort()).toEqual(['1', '2'])
})

describe('a bound', () => {
  test('of preemptions finds what needs no more of them, and says so when it has left something out', () => {
    expect(explore({ ...increments, maxPreemptions: 0 })).toMatchObject({
      verdict: 'bound hit',
      bounds: ['maxPreemptions 0'],
      executions: 2,
    })
    expect(explore({ ...increments, maxPreemptions: 1 }).failure?.schedule).toBe('ab2a')
  })

  test('of preemptions that leaves nothing out is no bound that was hit', () => {
    expect(explore({ ...adders(mutex, 2), maxPreemptions: 50 })).toMatchObject({ verdict: 'complete', bounds: [] })
  })

  test('of preemptions explores more the larger it is', () => {
    const states = [0, 1, 2].map((maxPreemptions) => explore({ ...adders(mutex, 3), maxPreemptions }).states)
    expect(states[0]).toBeLessThan(states[1] as number)
    expect(states[1]).toBeLessThan(states[2] as number)
  })

  test('of preemptions does not count switches away from threads that cannot go on', () => {
    const afterStart = function* (): Steps<void> {
      yield wait(1, 0)
      yield* addOne(0)
    }
    const starts = function* (): Steps<void> {
      yield store(1, 1)
      yield notify(1, 2)
    }
    const model = {
      memory: { count: 0, started: 0 },
      threads: { a: afterStart, b: afterStart, starts },
      final: ({ memory }: { memory: Int32Array }) => memory[0] === 2,
    }
    // From sleeper to sleeper to the one that starts them is free; the lost update takes one preemption.
    expect(explore({ ...model, maxPreemptions: 1 }).failure?.kind).toBe('final')
    expect(explore({ ...model, maxPreemptions: 0 }).verdict).toBe('bound hit')
  })

  test('of states ends the search at that number', () => {
    expect(explore({ ...adders(mutex, 3), maxStates: 100 })).toMatchObject({
      verdict: 'bound hit',
      bounds: ['maxStates 100'],
      states: 100,
    })
    const { states } = explore(adders(mutex, 2))
    expect(explore({ ...adders(mutex, 2), maxStates: states }).verdict).toBe('complete')
    expect(explore({ ...adders(mutex, 2), maxStates: states - 1 }).verdict).toBe('bound hit')
  })

  test('of steps counts from the last checkpoint', () => {
    const loops = function* (): Steps<void> {
      for (let round = 0; round < 5; round++) {
        yield checkpoint(round)
        yield load(0)
        yield load(0)
      }
    }
    expect(explore({ memory: 1, threads: { loops }, maxSteps: 2 }).verdict).toBe('complete')
    const atOnce = straight(Array.from({ length: 10 }, () => load(0)))
    expect(explore({ memory: 1, threads: { atOnce }, maxSteps: 10 }).verdict).toBe('complete')
    expect(explore({ memory: 1, threads: { atOnce }, maxSteps: 8 }).verdict).toBe('bound hit')
  })
})
