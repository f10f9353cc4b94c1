import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { duels } from '@heddle/bench/duels/cluster.js'
import { startBullmq } from '@heddle/bench/peers/cluster/bullmq.js'
import type { Replies } from '@heddle/bench/peers/cluster/bullmq-connection.js'
import { startHeddle } from '@heddle/bench/peers/cluster/heddle.js'
import { type FloodLimits, flood, inFlight } from '@heddle/bench/peers/cluster/in-flight.js'
import type { Runner } from '@heddle/bench/peers/cluster/runner.js'
import { clockOf, type Engine, startServer } from '@heddle/bench/peers/cluster/servers.js'
import { children, timeOf } from '@heddle/bench/peers/pool/children.js'
import { plans } from '@heddle/bench/suites/cluster-plans.js'
import { LocalServer } from '@heddle/cluster-pool'
import { describe, expect, test } from '@jest/globals'
import { commandOf, leftOf } from './support/processes.ts'
import { testSuite } from './support/suite-claims.ts'

const goals = {
  'cluster-overhead-redis': '<= 1.2',
  'cluster-overhead-postgres': '<= 1.2',
  'cluster-lost': '<= 0',
}

const peers = [
  'bullmq',
  'bullmq, one task at a time',
  'bullmq, which polls',
  'bullmq with its Relay',
  'bullmq with its Relay, one task at a time',
  'bullmq with QueueEvents',
  'bullmq with QueueEvents, PostgreSQL',
]

const onLinux = process.platform === 'linux' ? test : test.skip
type Side = [name: string, start: (url: string) => Promise<Runner>]
const ours: Side = ['ours', startHeddle]
const rival = (replies: Replies): Side => [`the rival by ${replies}`, (url) => startBullmq(url, replies)]
const sides: Readonly<Record<Engine, Side[]>> = {
  redis: [ours, rival('events')],
  postgres: [ours, rival('polling'), rival('relay')],
}
const available: Engine[] = []
for (const engine of ['redis', 'postgres'] as const)
  if (await LocalServer.isAvailable(engine)) available.push(engine)
  else console.log(`not tested: ${engine}, which is not installed here`)

testSuite({ suite: 'cluster', goals, peers, plans, duels, calls: 10 })

describe('a side', () => {
  test('has so many tasks in flight and not more, each of them once', async () => {
    const seen: number[] = []
    let [open, most] = [0, 0]
    const call = async (n: number) => {
      seen.push(n)
      open += 1
      most = Math.max(most, open)
      await new Promise(setImmediate)
      open -= 1
      return n + 1
    }
    await inFlight(call, 50, 8)
    expect(most).toBe(8)
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, n) => n))
  })

  test('that gives a wrong answer fails its batch', async () => {
    await expect(inFlight(async (n) => (n === 7 ? 7 : n + 1), 20, 4)).rejects.toThrow('answered 7 instead of 8')
  })
})

describe('a flood', () => {
  const limits: FloodLimits = { tasks: 100, inFlight: 4, sendMs: 60_000, slotMs: 20, waitMs: 200 }

  test('counts what never comes, what is wrong and what is rejected, and goes on behind them', async () => {
    const call = (n: number) => {
      if (n % 10 === 3) return new Promise(() => undefined)
      if (n === 14) return Promise.resolve(14)
      if (n === 25) return Promise.reject(new Error('no'))
      return Promise.resolve(n + 1)
    }
    expect(await flood(call, limits)).toMatchObject({ sent: 100, lost: 10, wrong: 2 })
  })

  test('takes what comes late as an answer, also when its place was given away', async () => {
    const call = (n: number) => new Promise((resolve) => setTimeout(resolve, n === 5 ? 100 : 0, n + 1))
    expect(await flood(call, limits)).toMatchObject({ sent: 100, lost: 0, wrong: 0 })
  })

  test('sends no more when its time is over', async () => {
    const call = (n: number) => new Promise((resolve) => setTimeout(resolve, 5, n + 1))
    const { sent, lost } = await flood(call, { ...limits, tasks: 1e6, sendMs: 50 })
    expect(lost).toBe(0)
    expect(sent).toBeLessThan(1000)
  })
})

describe.each(available)('on %s', (engine) => {
  test.each(sides[engine])(
    '%s has tasks run by one other process, which is gone when it was closed',
    async (_, start) => {
      const server = await startServer(engine)
      try {
        const { call, pid, close } = await start(server.url)
        await inFlight(call, 100, 16)
        expect(await Promise.all([call(1), call(41)])).toEqual([2, 42])
        await close()
        expect(await leftOf([pid])).toEqual([])
      } finally {
        await server.stop()
      }
    },
  )

  onLinux('the processor time of the server and its processes is counted', async () => {
    const server = await startServer(engine)
    try {
      const { call, pid, close } = await startHeddle(server.url)
      const [clock, before] = [clockOf(server, [pid]), timeOf([pid])]
      const begun = clock()
      await inFlight(call, 200, 16)
      const ofNode = timeOf([pid]) - before
      expect(ofNode).toBeGreaterThan(0)
      expect(clock() - begun).toBeGreaterThan(1.1 * ofNode)
      await close()
    } finally {
      await server.stop()
    }
  })
})

test('where there is no Redis its rows say so', async () => {
  const program = fileURLToPath(import.meta.resolve('@heddle/bench/arena-process.js'))
  const module = import.meta.resolve('@heddle/bench/duels/cluster.js')
  const child = fork(program, [module, 'cluster-overhead-redis/events', '{"rounds":1,"calls":1}'], {
    env: { PATH: '' },
    execArgv: [],
  })
  const [verdict] = (await once(child, 'message')) as [unknown]
  expect(verdict).toEqual({ skipped: expect.stringMatching(/^redis does not start: .*on PATH/) })
})

for (const signal of ['SIGINT', 'SIGKILL'] as const)
  onLinux(
    `a bench that is ended by ${signal} leaves no server and no other process`,
    async () => {
      const bench = spawn(process.execPath, ['dist/main.js', '--suite', 'cluster', '--rounds', '1000'], {
        stdio: 'ignore',
        detached: true,
      })
      const exit = once(bench, 'exit')
      const pid = bench.pid as number
      let all: number[] = []
      for (const program of ['heddle-process.js', 'bullmq-process.js'])
        while (!all.some((each) => commandOf(each).includes(program))) {
          await new Promise((resolve) => setTimeout(resolve, 20))
          all = descendantsOf(pid)
        }
      // As Ctrl-C does it: the whole group of processes gets it.
      if (signal === 'SIGINT') process.kill(-pid, signal)
      else bench.kill(signal)
      await exit
      expect(await leftOf(all)).toEqual([])
    },
    60_000,
  )

function descendantsOf(pid: number): number[] {
  try {
    const next = children(pid)
    return [...next, ...next.flatMap(descendantsOf)]
  } catch {
    // It has ended since.
    return []
  }
}
