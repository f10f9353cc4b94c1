import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { runDuel } from '@heddle/bench/duel.js'
import { duels } from '@heddle/bench/duels/pool.js'
import { children, timeOf } from '@heddle/bench/peers/pool/children.js'
import { rowsOf } from '@heddle/bench/plans.js'
import { plans } from '@heddle/bench/suites/pool-plans.js'
import { expect, test } from '@jest/globals'
import { testSuite } from './support/suite-claims.ts'

const goals = {
  'pool-latency-threads': ['<= 1.5'],
  'pool-latency-processes': ['<= 1.5'],
  'submit-burst-threads': ['>= 20'],
  'submit-burst-processes': ['>= 20'],
  'submit-burst-best': ['>= 5'],
  'map-number-threads': ['>= 2'],
  'map-number-processes': ['>= 1'],
  'map-speedup': ['>= 0.95'],
  'big-argument': ['<= 1'],
  'big-argument-transferred': ['<= 2'],
  cancel: ['<= 100'],
  'idle-cost': ['<= 1.1'],
  'idle-exit': ['<= 0', '<= 0'],
}

const peers = [
  'tinypool',
  'piscina',
  'workerpool',
  'poolifier',
  'python3 multiprocessing.Pool.map',
  'python3 ProcessPoolExecutor.map',
  'python3 ThreadPoolExecutor.map',
]

const onLinux = process.platform === 'linux' ? test : test.skip

testSuite({ suite: 'pool', goals, peers, plans, duels, calls: 20 })

onLinux(
  'the time of a child process is counted while it runs, and it is no child any more when it has ended',
  async () => {
    const child = spawn(process.execPath, [
      '-e',
      'for (const end = Date.now() + 200; Date.now() < end;); setInterval(() => {}, 1e6)',
    ])
    const pid = child.pid as number
    expect(children()).toContain(pid)
    const before = timeOf([pid])
    while (timeOf([pid]) - before < 50_000) await new Promise((resolve) => setImmediate(resolve))
    expect(timeOf()).toBeGreaterThanOrEqual(timeOf([pid]) - before)
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
    expect(children()).not.toContain(pid)
    expect(timeOf([pid])).toBe(0)
  },
)

test('what a contender uses in other processes is charged to it alone, spread over its calls', async () => {
  let used = 0
  const near = { call: async (n: number) => n + 1, close: async () => {} }
  const far = {
    ...near,
    call: async (n: number) => {
      used += 10_000_000
      return n + 1
    },
    elsewhere: () => used,
  }
  const { ours, rival } = await runDuel(far, near, { rounds: 2, calls: 4 })
  for (const { cpu } of ours) expect(cpu).toBeGreaterThanOrEqual(10_000_000)
  for (const { cpu } of rival) expect(cpu).toBeLessThan(10_000_000)
})

test('where a goal is one of ours alone, the value is ours, whatever the rival needs', () => {
  const costs = (...all: number[]) => all.map((cpu) => ({ cpu, wall: 2 * cpu }))
  const measure = { unit: '', wallUnit: '', of: (cost: number) => cost / 1000 }
  const plan = { gate: 'g', goal: '<= 2', rival: 'r', duel: 'r', measure, value: 'own' } as const
  const verdict = { duel: { ours: costs(1000, 3000, 2000), rival: costs(0, 0, 0) }, rivalVersion: '1.0.0' }
  expect(rowsOf('pool', [{ plan, verdict }])).toMatchObject([
    { value: 2, ours: 2, theirs: 0, spread: [1, 3], ok: true, wall: { value: 4, ours: 4 } },
  ])
})

test('a difference is told in the unit of the measure', () => {
  const costs = (...all: number[]) => all.map((cpu) => ({ cpu, wall: cpu }))
  const measure = { unit: 'ms', wallUnit: 'ms', of: (cost: number) => cost / 1000 }
  const plan = { gate: 'g', goal: '<= 1', rival: 'r', duel: 'r', measure, value: 'difference' } as const
  const verdict = { duel: { ours: costs(1500, 1700), rival: costs(1000, 1000) }, rivalVersion: '1.0.0' }
  expect(rowsOf('pool', [{ plan, verdict }])).toMatchObject([{ value: 0.6, spread: [0.5, 0.7], ok: true }])
})
