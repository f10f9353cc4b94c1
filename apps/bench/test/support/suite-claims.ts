import { spawnSync } from 'node:child_process'
import { meets } from '@heddle/bench/report.js'
import { expect, test } from '@jest/globals'

type PrintedRow = Readonly<Record<string, unknown>>

/** What a suite promises to print. */
interface PromisedRows {
  readonly suite: string
  /** Of each gate, as it is printed: one goal, or several with the same name. */
  readonly goals: Readonly<Record<string, string | readonly string[]>>
  readonly peers: readonly string[]
  /** As many calls as make a run short. */
  readonly calls: number
  /** How many rows there are, where that is known. */
  readonly count?: number
  /** Whether each gate names its physical limit. */
  readonly haveLimits?: boolean
}

interface Promised extends PromisedRows {
  readonly plans: readonly { readonly gate: string; readonly duel: string; readonly rival: string }[]
  readonly duels: object
}

/** The claims of a suite with plans: that these and its duels belong together, and that it prints a row for each. */
export function testSuite({ plans, duels, ...promised }: Promised): void {
  test('every plan names a duel, every duel belongs to a plan, and no two rows look the same', () => {
    const named = plans.map(({ gate, duel }) => `${gate}/${duel}`)
    expect(named.sort()).toEqual(Object.keys(duels).sort())
    const rows = plans.map(({ gate, rival }) => `${gate}, ${rival}`)
    expect(new Set(rows).size).toBe(rows.length)
  })
  testRows({ ...promised, count: plans.length })
}

/** The claims of every suite: that it prints a row for each gate and each peer. */
export function testRows({ suite, goals, peers, calls, count, haveLimits = false }: PromisedRows): void {
  test(`the suite ${suite} prints nothing but one array, a row for every gate and every peer, measured or with the reason why not`, () => {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ['dist/main.js', '--suite', suite, '--json', '--rounds', '1', '--calls', `${calls}`],
      { encoding: 'utf8', timeout: 100_000 },
    )
    const rows = JSON.parse(stdout) as PrintedRow[]
    expect(rows.filter((row) => 'failed' in row)).toEqual([])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const gateRows = rows.filter((row) => 'gate' in row)
    const skipped = rows.filter((row) => 'skipped' in row)
    const measured = rows.filter((row) => !('skipped' in row))

    expect(rows).toHaveLength(count ?? rows.length)
    expect(gateRows.map(({ gate, goal }) => [gate, goal])).toEqual(
      Object.entries(goals).flatMap(([gate, all]) => [all].flat().map((goal) => [gate, goal])),
    )
    expect(rows.map((row) => row.rival)).toEqual(expect.arrayContaining([...peers]))
    for (const row of rows) {
      expect(row.suite).toBe(suite)
      expect(Object.keys(goals)).toContain(row.gate ?? row.beside)
    }
    for (const row of skipped) expect(row.skipped).toMatch(/exports no|does not (load|start)|cannot be (told|made)/)
    for (const row of measured)
      expect(row).toMatchObject({
        value: expect.any(Number),
        ours: expect.any(Number),
        theirs: expect.any(Number),
        rivalVersion: expect.stringMatching(/^v?\d+\./),
        unit: expect.any(String),
        spread: [expect.any(Number), expect.any(Number)],
        wall: { ours: expect.any(Number), rival: expect.any(Number) },
      })
    for (const row of measured.filter((each) => haveLimits && 'gate' in each))
      expect(row.limit).toEqual(expect.any(String))
    // A gate that could not be measured is not met.
    expect(gateRows.map((row) => row.ok)).toEqual(
      gateRows.map((row) => !('skipped' in row) && meets(row.value as number, row.goal as string)),
    )
  }, 120_000)
}
