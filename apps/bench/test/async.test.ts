import { duels } from '@heddle/bench/duels/async.js'
import { rowsOf } from '@heddle/bench/plans.js'
import { plans } from '@heddle/bench/suites/async-plans.js'
import { describe, expect, test } from '@jest/globals'
import { testSuite } from './support/suite-claims.ts'

const goals = {
  'tasks-backlog': ['<= 0.7'],
  'tasks-map': ['<= 1'],
  'queue-await': ['<= 1.3'],
  'queue-python': ['>= 4'],
  'queue-try': ['<= 1.3'],
  'limiter-try': ['>= 1.1'],
  'limiter-window': ['<= 1', '<= 1'],
  'batch-item': ['>= 1'],
  'batch-ack': ['>= 5'],
  'abort-crowd': ['<= 3'],
  'timer-gap': ['<= 10'],
}

const peers = [
  'p-limit',
  'p-queue',
  'fastq',
  'async-sema',
  'async',
  'cockatiel',
  'bottleneck',
  'python3 asyncio.Semaphore',
  'p-map',
  'PassThrough',
  'python3 asyncio.Queue',
  'limiter',
  'rate-limiter-flexible',
  'p-throttle',
  'dataloader',
]

testSuite({ suite: 'async', goals, peers, plans, duels, calls: 100 })

describe('the rows of a gate', () => {
  const about = { gate: 'g', goal: '<= 0.7', fastest: true } as const
  const contender = (rival: string, ours: number, theirs: number, more: object = about) => ({
    plan: { gate: 'g', rival, duel: rival, ...more },
    verdict: {
      duel: { ours: [{ cpu: ours, wall: ours }], rival: [{ cpu: theirs, wall: theirs }] },
      rivalVersion: '1.0.0',
    },
  })
  const absent = (rival: string) => ({
    plan: { ...about, rival, duel: rival },
    verdict: { skipped: `${rival} does not load` },
  })

  test('the fastest rival is the gate, though another one has the better ratio; who is out of the contest stands beside', () => {
    const rows = rowsOf('async', [
      contender('slow', 1, 4),
      contender('fast', 1.6, 2),
      contender('smaller', 1, 1, {}),
      absent('missing'),
    ])
    expect(rows[0]).toMatchObject({ gate: 'g', goal: '<= 0.7', ok: false, value: 0.8, rival: 'fast' })
    expect(rows[0]).toMatchObject({ note: 'the fastest of 2 rivals in this run' })
    expect(rows.slice(1)).toMatchObject([
      { beside: 'g', rival: 'slow', value: 0.25 },
      { beside: 'g', rival: 'smaller', value: 1 },
      { beside: 'g', rival: 'missing', skipped: 'missing does not load' },
    ])
    for (const row of rows.slice(1)) expect(row).not.toHaveProperty('goal')
  })

  test('a gate whose rivals are all absent is a row that says why, and is not met', () => {
    expect(rowsOf('async', [absent('one'), absent('two')])).toEqual([
      { suite: 'async', gate: 'g', goal: '<= 0.7', ok: false, rival: 'one', skipped: 'one does not load' },
      { suite: 'async', beside: 'g', rival: 'two', skipped: 'two does not load' },
    ])
  })

  test('what no window may exceed is judged by the worst round, and what may be late by the difference', () => {
    const costs = (...all: number[]) => all.map((cpu) => ({ cpu, wall: cpu }))
    const verdict = { duel: { ours: costs(100, 150, 100), rival: costs(100, 100, 100) }, rivalVersion: '1.0.0' }
    const plan = { gate: 'g', goal: '<= 1', rival: 'r', duel: 'r', measure: { unit: '', wallUnit: '', of: same } }
    expect(rowsOf('async', [{ plan: { ...plan, value: 'worst' }, verdict }])).toMatchObject([
      { value: 1.5, ours: 150, ok: false },
    ])
    expect(rowsOf('async', [{ plan: { ...plan, value: 'difference' }, verdict }])).toMatchObject([
      { value: 0, spread: [0, 50] },
    ])
  })
})

const same = (value: number): number => value
