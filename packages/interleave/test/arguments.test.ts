import { explore, load, type Steps } from '@heddle/interleave'
import { describe, expect, test } from '@jest/globals'

const run = function* (): Steps<void> {
  yield load(0)
}
const good = { memory: 1, threads: { a: run } }
const with27 = Object.fromEntries(Array.from({ length: 27 }, (_, i) => [`t${i}`, run]))

describe('explore refuses', () => {
  test.each<[string, object]>([
    ['no memory', { memory: undefined }],
    ['a word that is no number', { memory: ['1'] }],
    ['a word named by a number', { memory: { 1: 0 } }],
    ['no threads', { threads: undefined }],
    ['a thread that is no function', { threads: { a: 1 } }],
    ['a thread that is no generator function', { threads: { a: () => 1 } }],
    ['a thread named by a number', { threads: { 7: run } }],
    ['two threads with one participant number', { threads: { a: run, b: { run, participant: 1 } } }],
    ['an invariant that is no function', { invariant: true }],
    ['a final that is no function', { final: 1 }],
    ['an onKill that is no function', { onKill: 1 }],
    ['a choice that there is not', { choices: { deaths: 1 } }],
    ['choices that are no object', { choices: 1 }],
    ['a budget for a thread that there is not', { choices: { kills: { budget: 1, threads: ['b'] } } }],
    ['a budget for something else than a list', { choices: { kills: { budget: 1, threads: 'a' } } }],
    ['a budget that is no number', { choices: { kills: '1' } }],
    ['certain that is no boolean', { choices: { timeouts: { budget: 1, certain: 1 } } }],
    ['slicedWaits that is no boolean', { slicedWaits: 1 }],
    ['cache that is no boolean', { cache: 1 }],
    ['a mode that there is not', { mode: 'all' }],
    ['a mode without a kind', { mode: {} }],
    ['a random mode without numbers', { mode: { random: 1 } }],
    ['a seed that is no number', { mode: { random: { seed: '1', runs: 1 } } }],
    ['bounds that are no numbers', { maxStates: '1' }],
    ['an option that there is not', { maxPreemption: 1 }],
  ])('%s, with ERR_INVALID_ARG', (_what, wrong) => {
    expect(() => explore({ ...good, ...wrong })).toThrow(
      expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG' }),
    )
  })

  test.each<[string, object]>([
    ['a negative number of words', { memory: -1 }],
    ['a word of more than 32 bits', { memory: [2 ** 31] }],
    ['a word that is a fraction', { memory: { word: 0.5 } }],
    ['no thread at all', { threads: {} }],
    ['more than 26 threads', { threads: with27 }],
    ['a negative budget', { choices: { kills: -1 } }],
    ['a negative participant', { threads: { a: { run, participant: -1 } } }],
    ['a bound of no state', { maxStates: 0 }],
    ['a bound of no step', { maxSteps: 0 }],
    ['a negative bound of preemptions', { maxPreemptions: -1 }],
    ['a run too few', { mode: { random: { seed: 1, runs: 0 } } }],
    ['a depth of nothing', { mode: { pct: { seed: 1, runs: 1, depth: 0 } } }],
  ])('%s, with ERR_OUT_OF_RANGE', (_what, wrong) => {
    expect(() => explore({ ...good, ...wrong })).toThrow(
      expect.objectContaining({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }),
    )
  })

  test('what is no object at all', () => {
    for (const wrong of [undefined, null, 1, 'a'])
      expect(() => explore(wrong as unknown as typeof good)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARG' }),
      )
  })
})

test('explore takes 26 threads', () => {
  const threads = Object.fromEntries(Object.entries(with27).slice(0, 26))
  expect(explore({ memory: 1, threads, maxPreemptions: 0, maxStates: 1_000 }).verdict).toBe('bound hit')
})
