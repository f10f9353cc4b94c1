import { spawnSync } from 'node:child_process'
import { duels } from '@heddle/bench/duels/async.js'
import { rowsOf } from '@heddle/bench/plans.js'
import { meets } from '@heddle/bench/report.js'
import { plans } from '@heddle/bench/suites/async-plans.js'
import { describe, expect, test } from '@jest/globals'

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

test('every plan names a duel, every duel belongs to a plan, and no two rows look the same', () => {
  const named = plans.map(({ gate, duel }) => `${gate}/${duel}`)
  expect(named.sort()).toEqual(Object.keys(duels).sort())
  const rows = plans.map(({ gate, rival }) => `${gate}, ${rival}`)
  expect(new Set(rows).size).toBe(rows.length)
})

test('the suite async has one row for every gate and every peer, measured or with the reason why not', () => {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['dist/main.js', '--suite', 'async', '--json', '--rounds', '1', '--calls', '100'],
    { encoding: 'utf8', timeout: 90_000 },
  )
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const rows = JSON.parse(stdout) as Record<string, unknown>[]
  const gateRows = rows.filter((row) => 'gate' in row)
  const skipped = rows.filter((row) => 'skipped' in row)
  const measured = rows.filter((row) => !('skipped' in row))

  expect(rows).toHaveLength(plans.length)
  expect(gateRows.map(({ gate, goal }) => [gate, goal])).toEqual(
    Object.entries(goals).flatMap(([gate, all]) => all.map((goal) => [gate, goal])),
  )
  expect(rows.map((row) => row.rival)).toEqual(expect.arrayContaining(peers))
  for (const row of rows) {
    expect(row.suite).toBe('async')
    expect(row).not.toHaveProperty('failed')
    expect(Object.keys(goals)).toContain(row.gate ?? row.beside)
  }
  for (const row of skipped) expect(row.skipped).toMatch(/exports no|does not (load|start)/)
  for (const row of measured)
    expect(row).toMatchObject({
      value: expect.any(Number),
      ours: expect.any(Number),
      theirs: expect.any(Number),
      rivalVersion: expect.stringMatching(/^v?\d+\./),
      unit: expect.any(String),
      spread: [expect.any(Number), expect.any(Number)],
    })
  // A gate that could not be measured is not met.
  expect(gateRows.map((row) => row.ok)).toEqual(
    gateRows.map((row) => !('skipped' in row) && meets(row.value as number, row.goal as string)),
  )
}, 120_000)

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
