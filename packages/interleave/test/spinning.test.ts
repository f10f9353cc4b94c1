import {
  checkpoint,
  compareExchange,
  explore,
  isDead,
  load,
  notify,
  replay,
  type Steps,
  spinHint,
  store,
  wait,
} from '@heddle/interleave'
import { describe, expect, test } from '@jest/globals'
import { until } from './support/programs.ts'

function* sets(): Steps<void> {
  yield store(0, 1)
}

describe('a thread that spins until a word is set', () => {
  test('is bounded by a hint', () => {
    const report = explore({ memory: 1, threads: { spins: until(1, load(0), spinHint()), sets } })
    expect(report).toMatchObject({ verdict: 'complete', failure: undefined })
    expect(report.states).toBeLessThan(50)
  })

  test('is bounded by a checkpoint', () => {
    const spins = function* (): Steps<void> {
      do yield checkpoint('spins')
      while ((yield load(0)) === 0)
    }
    expect(explore({ memory: 1, threads: { spins, sets } })).toMatchObject({ verdict: 'complete' })
  })

  test.each([{ cache: true }, { cache: false }])('without either hits a bound and never passes: %p', (options) => {
    const report = explore({ memory: 1, threads: { spins: until(1, load(0)), sets }, maxSteps: 100, ...options })
    expect(report).toMatchObject({ verdict: 'bound hit', bounds: ['maxSteps 100'], failure: undefined })
  })

  test('hits the bound that is there by default', () => {
    const report = explore({ memory: 1, threads: { spins: until(1, load(0)), sets } })
    expect(report).toMatchObject({ verdict: 'bound hit', bounds: ['maxSteps 1000'] })
  })

  test('with a checkpoint but without the cache hits a bound', () => {
    const spins = function* (): Steps<void> {
      do yield checkpoint('spins')
      while ((yield load(0)) === 0)
    }
    const report = explore({ memory: 1, threads: { spins, sets }, cache: false, maxSteps: 10 })
    expect(report).toMatchObject({ verdict: 'bound hit', bounds: ['maxSteps 10'] })
  })
})

describe('a hint', () => {
  test('does not hide a change that came after the look and before the hint', () => {
    const spins = function* (): Steps<void> {
      while ((yield load(0)) === 0) yield spinHint()
    }
    // Only one change ever comes; in some schedules it comes right before the hint.
    const report = explore({ memory: 1, threads: { a: spins, b: spins, sets } })
    expect(report.verdict).toBe('complete')
  })

  test('is no reason to wait as long as the thread itself changes something from round to round', () => {
    const counts = function* (): Steps<void> {
      for (let seen = 0; seen < 3; seen = yield load(0)) {
        yield store(0, seen + 1)
        yield spinHint()
      }
    }
    expect(explore({ memory: 1, threads: { counts } }).verdict).toBe('complete')
  })

  test('is one when it takes its changes back: two that step back for each other are bounded', () => {
    const takesBoth = (first: number, second: number) =>
      function* (): Steps<void> {
        for (;;) {
          if ((yield compareExchange(first, 0, 1)) === 0) {
            if ((yield compareExchange(second, 0, 1)) === 0) break
            yield store(first, 0)
          }
          yield spinHint()
        }
        yield store(second, 0)
        yield store(first, 0)
      }
    const alone = explore({ memory: [0, 1], threads: { a: takesBoth(0, 1) } })
    expect(alone.failure).toMatchObject({ kind: 'stuck', message: 'a spins, and nobody is left to change memory' })
  })

  test('does not hide a round in which the thread has learnt something, although memory is as it was before', () => {
    const seesBoth = function* (): Steps<void> {
      for (let hasSeenOne = false; ; ) {
        if ((yield load(0)) === 1) hasSeenOne = true
        else if (hasSeenOne) return
        yield spinHint()
      }
    }
    const pulses = function* (): Steps<void> {
      yield store(0, 1)
      yield store(0, 0)
    }
    const { ended, failure } = replay({ memory: 1, threads: { seesBoth, pulses } }, 'a2baba2')
    expect({ ended, failure }).toEqual({ ended: true, failure: undefined })
  })

  test('waits for a death as well', () => {
    const { trace, ended, failure } = replay(
      { memory: 1, threads: { dies: sets, waits: until(1, isDead(1), spinHint()) }, choices: { kills: 1 } },
      'b4!ab',
    )
    expect(trace.at(3)).toBe('waits · spin hint · spins until memory changes · [0]=0')
    expect({ ended, failure }).toEqual({ ended: true, failure: undefined })
  })

  test('lets another thread run without counting as preempted', () => {
    const rounds = new Set<unknown>()
    const spins = function* (): Steps<number> {
      let count = 1
      for (; (yield load(0)) === 0; count++) yield spinHint()
      return count
    }
    explore({
      memory: 1,
      threads: { spins, sets },
      maxPreemptions: 0,
      final(_snapshot, results) {
        rounds.add(results.spins)
        return true
      },
    })
    expect(rounds).toEqual(new Set([1, 2, 3]))
  })
})

describe('stuck', () => {
  test('is said when only spinning threads are left, with sleepers beside them', () => {
    const { failure } = explore({
      memory: { word: 0, other: 0 },
      threads: {
        spins: until(1, load(0), spinHint()),
        *sleeps() {
          yield wait(1, 0)
        },
      },
    })
    expect(failure).toMatchObject({
      kind: 'stuck',
      message: 'spins spins, and nobody is left to change memory; sleeps sleeps on other (expected 0, is 0)',
    })
  })

  test('is said of a loop of checkpoints that nothing leads out of', () => {
    const spins = function* (): Steps<void> {
      do yield checkpoint('spins')
      while ((yield load(0)) === 0)
    }
    const breaks = function* (): Steps<void> {
      if ((yield load(0)) === 0) yield store(0, 2)
      yield store(0, 0)
    }
    const { verdict, failure } = explore({ memory: 1, threads: { spins, breaks } })
    expect(verdict).toBe('failed')
    expect(failure?.kind).toBe('stuck')
    expect(failure?.message).toMatch('no end can be reached any more, whatever happens next; not ended: spins')
  })

  test('is said although a kill could end it, since nobody has to be killed', () => {
    const spins = function* (): Steps<void> {
      for (;;) {
        yield checkpoint('spins')
        yield load(0)
      }
    }
    expect(explore({ memory: 1, threads: { spins }, choices: { kills: 1 } }).failure?.kind).toBe('stuck')
  })

  test('is not said of a loop that another thread leads out of in some of its states only', () => {
    const goesRound = function* (): Steps<void> {
      for (;;) {
        yield checkpoint('goes round')
        if ((yield load(1)) === 1) return
        yield store(0, 1)
        yield store(0, 0)
      }
    }
    const catchesIt = function* (): Steps<void> {
      do yield checkpoint('waits')
      while ((yield load(0)) === 0)
      yield store(1, 1)
    }
    expect(explore({ memory: 2, threads: { goesRound, catchesIt } })).toMatchObject({ verdict: 'complete' })
  })

  test('is not said when somebody can still lead out', () => {
    const pingPong = (mine: number) =>
      function* (): Steps<void> {
        do yield checkpoint(mine)
        while ((yield load(0)) !== mine)
        yield store(0, mine + 1)
        yield notify(0, 1)
      }
    const threads = { c: pingPong(2), b: pingPong(1), a: pingPong(0) }
    expect(explore({ memory: 1, threads })).toMatchObject({ verdict: 'complete' })
  })
})
