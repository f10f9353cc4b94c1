import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { Mutex, Semaphore } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import { sharedWords, stateOf } from './support/shared-words.js'

const threads = 3
const tasks = 4
const rounds = 120

/** Runs the storm in three threads, and says what they recorded. Whatever fails names the seed that runs the same again. */
async function storm(lock: Mutex | Semaphore) {
  const seed = 1 + Math.floor(Math.random() * 2 ** 30)
  const record = sharedWords(5)
  const workers = Array.from(
    { length: threads },
    (_, thread) =>
      new Worker(new URL('./fixtures/storm.mjs', import.meta.url), {
        workerData: { handle: lock.toHandle(), seed: seed + thread, tasks, rounds, record },
      }),
  )
  const signal = AbortSignal.timeout(10_000)
  try {
    await Promise.all(workers.map((worker) => once(worker, 'exit', { signal })))
  } catch (cause) {
    throw new Error(`the storm with the seed ${seed} did not end: ${record.join()}`, { cause })
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
  const [increments = 0, inside, mostInside = 0, refusals = 0, acquisitions = 0] = record
  return { seed, increments, inside, mostInside, refusals, acquisitions }
}

test('a mutex survives a storm of timeouts and aborts: never two inside, and free at the end', async () => {
  const mutex = new Mutex()
  const seen = await storm(mutex)
  expect(seen).toEqual({ ...seen, inside: 0, mostInside: 1, increments: seen.acquisitions })
  expect(seen.acquisitions).toBeGreaterThan(rounds)
  expect(seen.refusals).toBeGreaterThan(0)
  expect(stateOf(mutex)).toBe(0)
  expect(mutex.tryAcquire()?.held).toBe(true)
})

test('a semaphore survives a storm of timeouts and aborts: never more inside than permits, and all of them back at the end', async () => {
  const semaphore = new Semaphore(2, { maxPermits: 2 })
  const seen = await storm(semaphore)
  expect(seen).toEqual({ ...seen, inside: 0, mostInside: Math.min(seen.mostInside, 2) })
  expect(seen.acquisitions).toBeGreaterThan(rounds)
  expect(seen.refusals).toBeGreaterThan(0)
  expect(semaphore.availablePermits).toBe(2)
  expect([semaphore.tryAcquire()?.held, semaphore.tryAcquire()?.held]).toEqual([true, true])
})
