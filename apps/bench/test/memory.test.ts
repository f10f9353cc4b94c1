import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Batches } from '@heddle/bench/duels/batched.js'
import { duels } from '@heddle/bench/duels/memory.js'
import { counting } from '@heddle/bench/peers/memory/counts.js'
import { handoff } from '@heddle/bench/peers/memory/handoff.js'
import { children } from '@heddle/bench/peers/pool/children.js'
import { plans } from '@heddle/bench/suites/memory-plans.js'
import { expect, test } from '@jest/globals'
import { chargedOfPeers } from './support/charged.ts'
import { hasEnded, leftOf } from './support/processes.ts'
import { testSuite } from './support/suite-claims.ts'

const goals = {
  'process-atomic': '<= 1.2',
  'process-mutex-uncontended': '<= 1.3',
  'process-handoff': '<= 1.5',
  'process-handoff-vs-send': '>= 4',
  'process-handoff-async': '<= 2',
  'value-lock': '>= 10',
  'dict-get': '>= 100',
  'dict-set': '>= 50',
  'dict-get-thread': '<= 1',
  'array-share': '<= 1',
  'cache-get': '<= 10',
}

const peers = [
  'bare futex calls through koffi',
  'process.send',
  'python3 multiprocessing.Value',
  'python3 multiprocessing.Manager().dict',
  'sharedmap',
  'a copy by process.send',
]

const onLinux = process.platform === 'linux' ? test : test.skip

testSuite({ suite: 'memory', goals, peers, plans, duels, calls: 3 })

onLinux(
  'two processes lose no count, an odd number included, and both are charged and gone afterwards',
  async () => {
    const before = children()
    const [side] = (await counting(['lock'])) as [Batches]
    const peers = children().filter((pid) => !before.includes(pid))
    expect(peers).toHaveLength(2)
    expect(await chargedOfPeers(side, peers, 200_001)).toBeGreaterThan(0.2)
    await side.close?.()
    for (const pid of peers) expect(children()).not.toContain(pid)
  },
  20_000,
)

for (const way of ['block', 'await', 'futex', 'echo'] as const)
  onLinux(
    `a round trip by ${way} comes to its end in both processes, and charges both`,
    async () => {
      const before = children()
      const { ours, rival } = await handoff(way, 'echo')
      const peers = children().filter((pid) => !before.includes(pid))
      try {
        for (const side of [ours, rival, ours]) expect(await chargedOfPeers(side, peers, 300)).toBeGreaterThan(0.2)
      } finally {
        await ours.close?.()
      }
      expect(peers).toHaveLength(1)
      expect(children()).not.toContain(peers[0])
    },
    20_000,
  )

onLinux(
  'a peer that sleeps in a bare call ends when the bench is killed',
  async () => {
    const bench = spawn(process.execPath, ['test/fixtures/sleeping-peer.mjs'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(bench.stdout, 'data')) as [Buffer]
    const peer = Number(line)
    expect(hasEnded(peer)).toBe(false)
    const exit = once(bench, 'exit')
    bench.kill('SIGKILL')
    await exit
    expect(await leftOf([peer])).toEqual([])
  },
  20_000,
)
