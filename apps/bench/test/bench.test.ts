import { spawnSync } from 'node:child_process'
import { summarize, toTable } from '@heddle/bench/report.js'
import { median } from '@heddle/bench/statistics.js'
import { describe, expect, test } from '@jest/globals'

function bench(...args: string[]) {
  return spawnSync(process.execPath, ['dist/main.js', ...args], { encoding: 'utf8', timeout: 60_000 })
}

describe('the command', () => {
  test('--json prints nothing but one array, whose gate rows keep the contract', () => {
    const { stdout, stderr, status } = bench('--suite', 'pool', '--json', '--rounds', '3', '--calls', '20')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const rows = JSON.parse(stdout) as Record<string, unknown>[]
    expect(rows[0]).toMatchObject({
      suite: 'pool',
      gate: 'pool-latency-threads',
      goal: '<= 1.5',
      rival: 'tinypool',
      rivalVersion: expect.stringMatching(/^2\./),
      value: expect.any(Number),
      ours: expect.any(Number),
      theirs: expect.any(Number),
      ok: expect.any(Boolean),
      unit: 'µs CPU per call',
      rounds: 3,
    })
    expect(rows[0]?.ok).toBe((rows[0]?.value as number) <= 1.5)
    expect(rows.slice(1).map((row) => row.rival)).toEqual(['piscina', 'workerpool', 'a bare worker thread'])
    for (const row of rows) expect(row).not.toHaveProperty('skipped')
  })

  test.each([
    [['--suite', 'nothing'], /there is no suite "nothing"; known: pool/],
    [['--rounds', 'many'], /--rounds takes a whole number/],
    [['--frobnicate'], /--frobnicate/],
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

  test('a rival that is absent is a row that says why', () => {
    const table = toTable([
      { suite: 'pool', gate: 'g', goal: '<= 1', ok: false, rival: 'absent', skipped: 'absent is not installed' },
    ])
    expect(table).toMatch(/g +absent +skipped +absent is not installed/)
  })
})
