import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { Semaphore } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import { sharedWords } from './support/shared-words.js'
import { until } from './support/until.js'
import { checkHistories } from './verify/histories.mjs'

const aSeed = () => 1 + Math.floor(Math.random() * 2 ** 30)

test('what three threads see of each object can be explained by calls one after the other', async () => {
  const rows = await checkHistories({ rounds: 12, seed: aSeed() })
  // Whoever looks at a failure gets the history and its seed.
  expect(rows.flatMap(({ object, counterexample }) => (counterexample ? [{ object, ...counterexample }] : []))).toEqual(
    [],
  )
  expect(rows.map(({ object, verdict }) => ({ object, verdict }))).toEqual(
    [
      'Mutex',
      'fair Mutex',
      'Semaphore',
      'ReadWriteLock',
      'AutoResetEvent',
      'ManualResetEvent',
      'Latch',
      'ThreadSafeCounter',
      'ThreadSafeCounter64',
    ].map((object) => ({ object, verdict: 'linearizable' })),
  )
  expect(Math.min(...rows.map(({ operations }) => operations))).toBeGreaterThanOrEqual(12 * 3 * 30)
})

test('a counter, a mutex and an event that load and then store cannot be explained so', async () => {
  const rows = await checkHistories({ rounds: 20, seed: aSeed(), only: ['racy counter', 'racy mutex', 'racy event'] })
  expect(rows.map(({ object, verdict }) => ({ object, verdict }))).toEqual([
    { object: 'racy counter', verdict: 'not linearizable' },
    { object: 'racy mutex', verdict: 'not linearizable' },
    { object: 'racy event', verdict: 'not linearizable' },
  ])
  for (const { counterexample } of rows) expect(counterexample?.text).toContain('none of these can come next')
})

test('a semaphore never shows a number of free permits that it did not have', async () => {
  const permits = 2
  const semaphore = new Semaphore(permits, { maxPermits: permits })
  const words = sharedWords(2)
  const worker = new Worker(new URL('./verify/detach-worker.mjs', import.meta.url), {
    workerData: { handle: semaphore.toHandle(), permits, words },
  })
  await until(() => Atomics.load(words, 1) > 0, 'the worker has begun')
  const seen = new Set<number>()
  for (let looks = 0; looks < 100_000; looks++) seen.add(semaphore.availablePermits)
  Atomics.store(words, 0, 1)
  await once(worker, 'exit')
  // All of them, or none: nobody takes one alone.
  expect([...seen].filter((free) => free !== 0 && free !== permits)).toEqual([])
})
