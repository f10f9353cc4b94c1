import { spawnSync } from 'node:child_process'
import { meets, summarize, throughput } from '@heddle/bench/report.js'
import { median } from '@heddle/bench/statistics.js'
import { toTable } from '@heddle/bench/table.js'
import { describe, expect, test } from '@jest/globals'

function bench(...args: string[]) {
  return spawnSync(process.execPath, ['dist/main.js', ...args], { encoding: 'utf8', timeout: 60_000 })
}

describe('the command', () => {
  test.each([
    [['--suite', 'nothing'], /there is no suite "nothing"; known: pool, sync/],
    [['--rounds', 'many'], /--rounds takes a whole number/],
    [['--frobnicate'], /--frobnicate/],
    [['--page', '--suite', 'sync'], /--page is of all suites/],
    [['--page', '--calls', '1'], /--page is of all suites/],
  ])('%j is one clear line and exit code 2', (args, message) => {
    const { stdout, stderr, status } = bench(...args)
    expect({ stdout, status }).toEqual({ stdout: '', status: 2 })
    expect(stderr).toMatch(message)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })
})

describe('the sums', () => {
  test('the median of an even number of values is between the two in the middle', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(median([9, 1, 5])).toBe(5)
  })

  test('a ratio compares the two sides of one round, so a machine that slows down for a while does not change it', () => {
    const costs = [1, 1, 10].map((slowdown) => ({ cpu: 30 * slowdown, wall: 40 * slowdown }))
    const ours = costs.map(({ cpu, wall }) => ({ cpu: cpu * 1.2, wall }))
    const row = summarize({ ours, rival: costs }, { suite: 'pool', rival: 'x', rivalVersion: '1.0.0' })
    expect(row.value).toBeCloseTo(1.2)
    expect(row.spread).toEqual([1.2, 1.2])
  })

  test('where more is better the ratio is of throughputs, so it rises as our cost falls', () => {
    const ours = [{ cpu: 0.02, wall: 0.01 }]
    const rival = [{ cpu: 2, wall: 0.5 }]
    const row = summarize({ ours, rival }, { suite: 'sync', rival: 'x', rivalVersion: '1.0.0' }, throughput)
    expect(row).toMatchObject({ value: 100, ours: 50, theirs: 0.5, wall: { value: 50, ours: 100, rival: 2 } })
  })

  test('a goal is met at its bound, in its own direction', () => {
    expect([meets(1.6, '<= 1.6'), meets(1.61, '<= 1.6')]).toEqual([true, false])
    expect([meets(50, '>= 50'), meets(49.9, '>= 50')]).toEqual([true, false])
    expect(() => meets(1, '< 2')).toThrow(/begins with <= or >=/)
  })

  test('the notes and limits of the rows stand below the table', () => {
    const costs = [{ cpu: 1, wall: 1 }]
    const about = { suite: 's', rival: 'x', rivalVersion: '1', limit: 'a bare word', note: 'one thread' }
    const table = toTable([
      { gate: 'g', goal: '>= 1', ok: true, ...summarize({ ours: costs, rival: costs }, about) },
      { suite: 's', gate: 'h', goal: '<= 1', ok: false, rival: 'y', skipped: 'lost counts', failed: true },
    ])
    expect(table).toMatch(/g +x 1 +1 \(1 to 1\) +>= 1 ok/)
    expect(table).toMatch(/h +y +FAILED +lost counts/)
    expect(table).toMatch(/\n\ng, x: one thread; physical limit: a bare word\n$/)
  })

  test('a rival that is absent is a row that says why', () => {
    const table = toTable([
      { suite: 'pool', gate: 'g', goal: '<= 1', ok: false, rival: 'absent', skipped: 'absent is not installed' },
    ])
    expect(table).toMatch(/g +absent +skipped +absent is not installed/)
  })
})
