import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Segment, SharedDict } from '@heddle/shared-memory'
import { Mutex, ThreadSafeCounter } from '@heddle/sync-primitives'
import { randomOf } from './random.mjs'

const program = new URL('../fixtures/segments/thread.mjs', import.meta.url)

/**
 * Terminates `rounds` worker threads of any age, in the middle of operations on a segment. An abort of the process is seen by
 * whoever has started this one.
 *
 * @returns what was wrong
 */
export async function terminateStorm({ rounds, seed, threads = 4 }) {
  const random = randomOf(seed)
  const segment = Segment.create({ size: 1 << 20 })
  const mutex = new Mutex({ memory: segment })
  const counter = new ThreadSafeCounter(0, { memory: segment })
  const dict = new SharedDict({ memory: segment })
  const workerData = {
    job: 'everything',
    mutex: mutex.toHandle(),
    counter: counter.toHandle(),
    dict: dict.toHandle(),
    name: segment.name,
  }
  const wrong = []
  try {
    for (let round = 0; round < rounds; round += threads) {
      const workers = Array.from({ length: threads }, () => new Worker(program, { workerData }))
      for (const worker of workers) worker.on('error', (error) => wrong.push(String(error)))
      if (random(2) === 0)
        await Promise.race(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))))
      // Of any age: from before their first line to long at work.
      await delay(random(100))
      for (let turns = random(400); turns > 0; turns--) await new Promise(setImmediate)
      const begun = performance.now()
      await Promise.all(workers.map((worker) => worker.terminate()))
      const took = performance.now() - begun
      if (took > 2_000) wrong.push(`round ${round}: terminate() took ${took.toFixed(0)} ms`)
      const guard = mutex.acquireSync({ timeout: 1_000 })
      guard.markConsistent()
      guard.release()
      dict.set('after', round)
      if (dict.get('after') !== round) wrong.push(`round ${round}: the dict does not hold what was set`)
      let entries = 0
      for (const [key, value] of dict) {
        entries += 1
        const isWhole = typeof value === 'number' || value.text.length === value.round % 300
        if (!isWhole) wrong.push(`round ${round}: ${key} is torn`)
      }
      if (entries !== dict.size) wrong.push(`round ${round}: ${entries} entries, and a size of ${dict.size}`)
      if (wrong.length > 20) break
    }
    if (segment.stats().participants.length !== 1) wrong.push('threads that have ended still take part')
  } finally {
    segment.close()
  }
  return { wrong }
}
