import {
  type Choices,
  checkpoint,
  type ExploreOptions,
  explore,
  GAVE_UP,
  isDead,
  load,
  type Model,
  notify,
  replay,
  type Steps,
  store,
  WOKEN,
  wait,
} from '@heddle/interleave'
import { describe, expect, test } from '@jest/globals'

/** A thread that sleeps and says how that ended, one that wakes it, and all ways in which that can end. */
const sleeper = function* (): Steps<string> {
  const how = yield wait(0, 0)
  return how === GAVE_UP ? 'gave up' : 'woken'
}
const waker = function* (): Steps<number> {
  yield store(0, 1)
  return yield notify(0, 1)
}

function ends(choices: Choices, rest: Partial<ExploreOptions> = {}) {
  const all = new Set<string>()
  const report = explore({
    memory: 1,
    threads: { sleeper, waker },
    choices,
    final(_snapshot, results) {
      all.add(`${String(results.sleeper)}, ${String(results.waker)}`)
      return true
    },
    ...rest,
  })
  return { all: [...all].sort(), report }
}

describe('without choices', () => {
  test('a sleeper is woken and nothing else', () => {
    const { all, report } = ends({})
    expect(all).toEqual(['woken, 0', 'woken, 1'])
    expect(report.events).toEqual({ timeouts: 0, aborts: 0, kills: 0, spurious: 0 })
  })
})

describe('a time-out', () => {
  test('ends a sleep with GAVE_UP, and takes no wake-up with it', () => {
    const { all, report } = ends({ timeouts: 1 })
    expect(all).toEqual(['gave up, 0', 'woken, 0', 'woken, 1'])
    expect(report.events.timeouts).toBeGreaterThan(0)
  })

  test('is no way out of a deadlock: nobody has to time out', () => {
    expect(explore({ memory: 1, threads: { sleeper }, choices: { timeouts: 1 } }).failure?.kind).toBe('deadlock')
  })

  test('is one for threads whose time is certain to be up, as often as it takes', () => {
    const patient = function* (): Steps<void> {
      for (let i = 0; i < 3; i++) expect(yield wait(0, 0)).toBe(GAVE_UP)
    }
    const choices = { timeouts: { budget: 0, threads: ['patient'], certain: true } }
    expect(explore({ memory: 1, threads: { patient }, choices }).verdict).toBe('complete')
    const { failure } = explore({ memory: 1, threads: { patient, sleeper }, choices })
    expect(failure?.message).toBe('sleeper sleeps on [0] (expected 0, is 0)')
  })

  test('that is certain comes only when nothing else can happen', () => {
    const certain = { timeouts: { budget: 0, certain: true } }
    expect(ends(certain).all).toEqual(['woken, 0', 'woken, 1'])
  })
})

describe('an abort', () => {
  test('also comes between a wake-up and the next step, and the wake-up is lost', () => {
    expect(ends({ aborts: 1 }).all).toEqual(['gave up, 0', 'gave up, 1', 'woken, 0', 'woken, 1'])
  })
})

describe('a spurious wake-up', () => {
  test('ends a sleep with WOKEN, without a notify', () => {
    const { trace } = replay({ memory: 1, threads: { sleeper, waker }, choices: { spurious: 1 } }, 'a?a')
    expect(trace.at(-1)).toBe('sleeper · wait [0] while 0 · wakes up for no reason · [0]=0')
    expect(ends({ spurious: 1 }).all).toEqual(['woken, 0', 'woken, 1'])
  })
})

describe('a kill', () => {
  test('comes before, between and after all steps but not after the end', () => {
    const { all, report } = ends({ kills: 1 })
    // Without the waker the sleeper sleeps for ever.
    expect(report.failure).toMatchObject({ kind: 'deadlock', message: expect.stringContaining('waker was killed') })
    expect(all.length).toBeGreaterThan(0)
    const { all: withoutDeadlock } = ends({ kills: { budget: 1, threads: ['sleeper'] } })
    expect(withoutDeadlock).toEqual(['undefined, 0', 'undefined, 1', 'woken, 0', 'woken, 1'])
  })

  test('of a thread that was woken takes the wake-up with it', () => {
    const { failure } = explore({
      memory: 1,
      threads: {
        a: sleeper,
        b: sleeper,
        *waker() {
          yield notify(0, 1)
          // Nobody else needs a wake-up, if that one was used.
          if ((yield isDead(1)) === 1) yield notify(0, 1)
        },
      },
      choices: { kills: { budget: 1, threads: ['a'] }, spurious: { budget: 1, threads: ['b'] } },
    })
    expect(failure?.kind).toBe('deadlock')
  })

  test('takes a sleeper out of its queue, so that the next one is woken', () => {
    const { trace } = replay({ memory: 1, threads: { a: sleeper, b: sleeper, waker }, choices: { kills: 1 } }, 'ab!ac2')
    expect(trace.slice(2)).toEqual([
      'a · killed · ends for ever · [0]=0',
      'waker · store [0] := 1 · done · [0]=1',
      'waker · notify [0] 1 · wakes b · [0]=1',
    ])
  })

  test('calls onKill in the same step, which may change memory and wake', () => {
    const names: string[] = []
    const model: Model = {
      memory: { word: 0 },
      threads: {
        *victim() {
          yield load(0)
        },
        sleeper,
      },
      choices: { kills: { budget: 1, threads: ['victim'] } },
      onKill({ words, notify: wake }, name) {
        names.push(name)
        words[0] = wake(0, 2) + 1
      },
    }
    const { trace, ended, failure } = replay(model, 'b!ab')
    expect(trace.slice(1)).toEqual([
      'victim · killed · ends for ever · word=2',
      'sleeper · wait word while 0 · woken · word=2',
    ])
    expect({ names, ended, failure }).toEqual({ names: ['victim'], ended: true, failure: undefined })
  })

  test('fails loudly if onKill reaches for a word that is not there', () => {
    const options: ExploreOptions = { memory: 1, threads: { sleeper, waker }, choices: { kills: 1 } }
    expect(() => explore({ ...options, onKill: (memory) => void memory.notify(1, 1) })).toThrow('there is no word 1')
  })
})

describe('sliced waits', () => {
  const noticesDeath = function* (): Steps<string> {
    while ((yield isDead(1)) === 0) yield wait(0, 0)
    return 'noticed'
  }
  const model = {
    memory: 1,
    threads: { a: sleeper, noticesDeath },
    choices: { kills: { budget: 1, threads: ['a'] } },
  }

  test('let a sleeper look again when nothing else can happen', () => {
    const { trace, ended, failure } = replay({ ...model, slicedWaits: true }, 'b2!a.bb')
    expect(trace.at(-2)).toBe('noticesDeath · wait [0] while 0 · looks again, as nothing else can happen · [0]=0')
    expect({ ended, failure }).toEqual({ ended: true, failure: undefined })
  })

  test('do not hide a sleep that nothing ends: who has looked once in a situation does not look again', () => {
    const waitsForWord = function* (): Steps<void> {
      for (;;) {
        yield checkpoint('waits')
        if ((yield load(0)) === 1) return
        yield wait(0, 0)
      }
    }
    const report = explore({ memory: 1, threads: { a: waitsForWord, b: waitsForWord }, slicedWaits: true })
    expect(report.failure?.kind).toBe('deadlock')
    expect(report.failure?.trace.filter((line) => line.includes('looks again'))).toHaveLength(2)
  })
})

describe('a budget', () => {
  const manySleeps = function* (): Steps<number> {
    let gaveUp = 0
    for (let i = 0; i < 3; i++) if ((yield wait(0, 0)) === GAVE_UP) gaveUp++
    return gaveUp
  }
  const wakes = function* (): Steps<void> {
    yield store(0, 1)
    yield notify(0, 1)
  }

  test.each([0, 1, 2, 3])('of %p is never exceeded, and all of it is used', (budget) => {
    const counts = new Set<unknown>()
    const report = explore({
      memory: 1,
      threads: { a: manySleeps, b: wakes },
      choices: { timeouts: budget },
      final(_snapshot, results) {
        counts.add(results.a)
        return true
      },
    })
    expect(report.verdict).toBe('complete')
    expect(counts).toEqual(new Set([0, 1, 2, 3].slice(0, budget + 1)))
  })

  test('that is larger never hides a defect', () => {
    const model = { memory: 1, threads: { a: sleeper, b: sleeper, waker } }
    for (const budget of [0, 1, 2, 3])
      for (const kind of ['timeouts', 'aborts', 'kills', 'spurious'])
        expect(explore({ ...model, choices: { [kind]: budget } }).failure?.kind).toBe('deadlock')
  })

  test('can be for some threads only', () => {
    const report = explore({
      memory: 1,
      threads: { a: manySleeps, b: manySleeps, c: wakes },
      choices: { timeouts: { budget: 2, threads: ['b'] }, spurious: { budget: 1, threads: ['a', 'b'] } },
      invariant: ({ status }) => status('c') !== 'killed',
      final: (_snapshot, { a }) => a === 0,
    })
    expect(report.failure?.kind).not.toBe('final')
    expect(WOKEN).toBe(0)
  })
})

describe('a snapshot', () => {
  test('knows what each thread does, and its last checkpoint', () => {
    const seen = new Set<string>()
    explore({
      memory: 1,
      threads: {
        *sleeper() {
          yield checkpoint(['about to sleep', 1])
          yield wait(0, 0)
        },
        *waker() {
          yield* waker()
          yield load(0)
        },
      },
      choices: { kills: 1 },
      invariant({ status, checkpoint: at }) {
        seen.add([status('sleeper'), status('waker'), at('sleeper'), at('waker')].map(String).join(' '))
        return true
      },
    })
    expect(seen).toContain('ready ready about to sleep,1 undefined')
    expect(seen).toContain('sleeping ready about to sleep,1 undefined')
    expect(seen).toContain('finished ready undefined undefined')
    expect(seen).toContain('killed finished undefined undefined')
  })

  test('refuses a name that no thread has', () => {
    const { failure } = explore({
      memory: 1,
      threads: { a: sleeper },
      invariant: ({ status }) => status('b') === 'ready',
    })
    expect(failure?.message).toBe('TypeError: there is no thread b')
  })
})
