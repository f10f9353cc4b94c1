import { spawnSync } from 'node:child_process'
import { meets } from '@heddle/bench/report.js'
import { expect, test } from '@jest/globals'

const gates = {
  'mutex-uncontended': '<= 1.6',
  'mutex-exclusive': '<= 1.4',
  'mutex-async': '<= 2',
  'mutex-contended': '>= 50',
  'rwlock-read': '<= 1.8',
  'semaphore-async': '<= 1',
  handoff: '<= 1.3',
  'handoff-async': '<= 1.5',
  'writer-wait': '<= 50',
}

const peers = [
  'python3 threading.Lock',
  'async-mutex (import)',
  'async-mutex (require)',
  'multithreading',
  'async-sema',
]

test('the suite sync has one row for every gate and every peer, measured or with the reason why not', () => {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['dist/main.js', '--suite', 'sync', '--json', '--rounds', '1', '--calls', '40'],
    { encoding: 'utf8', timeout: 60_000 },
  )
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const rows = JSON.parse(stdout) as Record<string, unknown>[]
  const gateRows = rows.filter((row) => 'gate' in row)
  const skipped = rows.filter((row) => 'skipped' in row)
  const measured = rows.filter((row) => !('skipped' in row))

  expect(gateRows.map(({ gate, goal }) => [gate, goal])).toEqual(Object.entries(gates))
  expect(rows.map((row) => row.rival)).toEqual(expect.arrayContaining(peers))
  for (const row of rows) {
    expect(row.suite).toBe('sync')
    expect(row).not.toHaveProperty('failed')
    expect(Object.keys(gates)).toContain(row.gate ?? row.beside)
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
  for (const row of measured.filter((row) => 'gate' in row)) expect(row.limit).toEqual(expect.any(String))
  // A gate that could not be measured is not met.
  expect(gateRows.map((row) => row.ok)).toEqual(
    gateRows.map((row) => !('skipped' in row) && meets(row.value as number, row.goal as string)),
  )
}, 90_000)
