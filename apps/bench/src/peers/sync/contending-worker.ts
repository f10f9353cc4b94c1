import { workerData } from 'node:worker_threads'
import { Mutex } from '@heddle/sync-primitives'
import type { Contender, Contending } from './contending.js'
import { type GangData, serve } from './gang.js'
import { loadMultithreading } from './load.js'

const data = workerData as GangData & Contending
const { counter } = data
const loops = await Promise.all(data.contenders.map(loopOf))

serve(data, (calls, { which }) => loops[which]?.(calls))

async function loopOf(contender: Contender): Promise<(calls: number) => void> {
  switch (contender.contender) {
    case 'heddle':
      return heddle(Mutex.fromHandle(contender.lock))
    case 'multithreading':
      return await multithreading(contender.lock)
    case 'bare':
      return bare(new Int32Array(contender.lock))
    case 'atomics':
      return (calls) => {
        for (let n = 0; n < calls; n++) Atomics.add(counter, 0, 1)
      }
  }
}

function heddle(mutex: Mutex): (calls: number) => void {
  return (calls) => {
    for (let n = 0; n < calls; n++) {
      const guard = mutex.acquireSync()
      counter[0] = (counter[0] as number) + 1
      guard.release()
    }
  }
}

async function multithreading(buffer: SharedArrayBuffer): Promise<(calls: number) => void> {
  const { module } = await loadMultithreading()
  // What its own deserializing does with the buffer of a mutex.
  const mutex = new module.Mutex(undefined, buffer)
  return (calls) => {
    for (let n = 0; n < calls; n++) {
      const guard = mutex.blockingLock()
      counter[0] = (counter[0] as number) + 1
      guard.dispose()
    }
  }
}

/**
 * The least that a blocking lock can be: the word is 0 while free, 1 while held, 2 while somebody may sleep.
 * Source: Ulrich Drepper, "Futexes Are Tricky", mutex 2, https://www.akkadia.org/drepper/futex.pdf
 */
function bare(word: Int32Array): (calls: number) => void {
  return (calls) => {
    for (let n = 0; n < calls; n++) {
      if (Atomics.compareExchange(word, 0, 0, 1) !== 0)
        while (Atomics.exchange(word, 0, 2) !== 0) Atomics.wait(word, 0, 2)
      counter[0] = (counter[0] as number) + 1
      if (Atomics.exchange(word, 0, 0) === 2) Atomics.notify(word, 0, 1)
    }
  }
}
