import { drawChart, margin } from '@heddle/bench/page/chart.js'
import { describeMachine } from '@heddle/bench/page/machine.js'
import { writePage } from '@heddle/bench/page/page.js'
import type { GateRow, Row } from '@heddle/bench/report.js'
import { describe, expect, test } from '@jest/globals'

const measured = {
  suite: 'sync',
  value: 0.5,
  ours: 5,
  rival: 'a | rival',
  theirs: 10,
  rivalVersion: '1.2.3',
  unit: 'µs CPU per call',
  spread: [0.25, 2] as const,
  wall: { unit: 'µs per call', ours: 5, rival: 10, value: 0.5 },
  rounds: 11,
}
const met: GateRow = { ...measured, gate: 'quick', goal: '<= 1', ok: true, note: 'twice', limit: 'light' }
const missed: GateRow = { ...measured, gate: 'slow', goal: '>= 5', ok: false, value: 3 }
const failed: GateRow = {
  suite: 'async',
  gate: 'gone',
  goal: '<= 1',
  ok: false,
  rival: 'none',
  skipped: 'it <fell>',
  failed: true,
}
const rows: Row[] = [met, { ...measured, beside: 'quick' }, missed, failed]
const machine = {
  processor: 'a processor',
  cores: 2,
  memoryGiB: 8,
  system: 'linux x64 6',
  node: 'v20.19.0',
  commit: '0123456789',
  date: '2026-01-31',
}

describe('the page', () => {
  const page = writePage(rows, machine, 11)

  test('has every row of every suite, with goal, figure and spread, also those that were missed', () => {
    expect(page).toContain('| `quick` | `<= 1` | 0.5 (0.25 to 2) | met | 5 µs CPU per call | a \\| rival 1.2.3: 10 |')
    expect(page).toContain('| beside `quick` |  | 0.5 (0.25 to 2) |  | 5 µs CPU per call |')
    expect(page).toContain('| `slow` | `>= 5` | 3 (0.25 to 2) | **missed** |')
    expect(page).toContain('| `gone` | `<= 1` | failed: it <fell> |')
    expect(page).toContain('- `quick` (a | rival): twice; nothing can be faster than light')
    expect(page.match(/^## .*/gm)).toEqual(['## sync', '## async'])
  })

  test('says on what it was measured, and how many of the gates are met', () => {
    for (const part of [
      'a processor, 2 cores, 8 GiB',
      'v20.19.0',
      '0123456789',
      '2026-01-31',
      '| gates | 1 of 3 met |',
    ])
      expect(page).toContain(part)
    expect(page).toContain('](benchmarks/sync.svg)')
  })
})

describe('a chart', () => {
  test('is how many times better than its goal a figure is, for costs and for throughputs', () => {
    expect(margin(0.5, '<= 1')).toBe(2)
    expect(margin(4, '<= 1')).toBe(0.25)
    expect(margin(20, '>= 5')).toBe(4)
    expect(margin(1, '>= 5')).toBe(0.2)
  })

  test('tells a figure of 0 from a goal that it misses', () => {
    expect(margin(0, '<= 0')).toBeGreaterThan(1)
    expect(margin(1, '<= 0')).toBeLessThan(1)
    expect(margin(-0.1, '<= 1')).toBeGreaterThan(1)
    expect(margin(0, '>= 1')).toBeLessThan(1)
  })

  test('draws bars to the right of the goal when it is met and to the left when it is not', () => {
    const bars = [
      ...drawChart('t', [met, missed]).matchAll(/<rect class="(\w+)" x="([\d.]+)" y="\d+" width="([\d.]+)"/g),
    ]
    const goal = Number(/class="goal" x1="([\d.]+)"/.exec(drawChart('t', [met]))?.[1])
    expect(bars.map(([, kind]) => kind)).toEqual(['met', 'missed'])
    expect(Number(bars[0]?.[2])).toBe(goal)
    expect(Number(bars[1]?.[2]) + Number(bars[1]?.[3])).toBeCloseTo(goal, 0)
  })

  test('names a gate without a figure, and is well-formed whatever the names are', () => {
    const chart = drawChart('a & <b>', [failed, { ...met, gate: '<&>' }])
    expect(chart).toContain('failed')
    expect(chart).toContain('&lt;&amp;&gt;')
    expect(chart.replaceAll(/&(amp|lt|gt);/g, '')).not.toMatch(/&|<[^/a-z]/)
  })
})

test('the machine is described by what it says of itself, and by the commit that is checked out', async () => {
  const { node, cores, commit, date } = await describeMachine(process.cwd())
  expect({ node, cores }).toEqual({ node: process.version, cores: expect.any(Number) as unknown as number })
  expect(commit).toMatch(/^[0-9a-f]{10}|no git/)
  expect(date).toMatch(/^\d{4}-\d\d-\d\d$/)
  expect((await describeMachine('/')).commit).toBe('unknown: no git here')
})
