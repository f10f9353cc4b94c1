import type { Cost, Duel } from '../../report.js'
import { median } from '../../statistics.js'
import { Gang } from './gang.js'
import { readWriteLock } from './heddle.js'
import { loadMultithreading } from './load.js'

type Contender =
  | { readonly contender: 'heddle'; readonly lock: object }
  | { readonly contender: 'multithreading'; readonly lock: SharedArrayBuffer }

/** What a reading worker finds in its `workerData`. */
export type Reading = Contender & {
  /** How long the last holds took, in µs, of all readers. */
  readonly holds: Float64Array
  /** Holds so far, of all readers. */
  readonly count: Int32Array
}

const readers = 2
/** For how long a reader spins while it holds the lock. */
const holdMicroseconds = 100
const keptHolds = 256

/** How long a writer waits, again and again, for two readers that take the lock, hold it for a while and take it again. */
async function startReaders(contender: Contender) {
  const holds = new Float64Array(new SharedArrayBuffer(8 * keptHolds))
  const count = new Int32Array(new SharedArrayBuffer(4))
  const gang = await Gang.start(new URL('./reading-worker.js', import.meta.url), readers, {
    ...contender,
    holds,
    count,
  } satisfies Reading)
  return {
    gang,
    begin: () => {
      Atomics.store(count, 0, 0)
      gang.begin(holdMicroseconds)
    },
    /** Blocks until there were `more` holds. */
    read: (more: number) => {
      const until = Atomics.load(count, 0) + more
      while (Atomics.load(count, 0) < until) pause(0.5)
    },
    end: async () => {
      gang.stop()
      await gang.finish()
      return median(Array.from(holds.slice(0, Atomics.load(count, 0))))
    },
  }
}

/** The p99 wait of our writer (as `ours`) beside one hold (as `rival`), and the waits themselves. */
export async function writerWaits(rounds: number, writes: number): Promise<{ duel: Duel; waits: number[] }> {
  const ReadWriteLock = await readWriteLock()
  const lock = new ReadWriteLock()
  const { gang, begin, read, end } = await startReaders({ contender: 'heddle', lock: lock.toHandle() })
  const duel: { ours: Cost[]; rival: Cost[] } = { ours: [], rival: [] }
  const all: number[] = []
  try {
    for (let round = -1; round < rounds; round++) {
      const waits: number[] = []
      begin()
      for (let n = 0; n < writes; n++) {
        // The readers are at it again before the writer asks.
        read(readers)
        const start = performance.now()
        const guard = lock.acquireWriteSync()
        waits.push((performance.now() - start) * 1000)
        guard.release()
      }
      const hold = await end()
      if (round < 0) continue
      all.push(...waits)
      duel.ours.push(same(percentile(waits, 99)))
      duel.rival.push(same(hold))
    }
  } finally {
    await gang.close()
  }
  return { duel, waits: all }
}

/** How long the rival's writer waits for the same readers, which stop when it has waited for `patience` milliseconds. */
export async function rivalWaits(rounds: number, patience: number): Promise<{ version: string; waits: Cost[] }> {
  const {
    module: { RwLock },
    version,
  } = await loadMultithreading()
  const buffer = new SharedArrayBuffer(4)
  const lock = new RwLock(undefined, buffer)
  const { gang, begin, read, end } = await startReaders({ contender: 'multithreading', lock: buffer })
  const waits: Cost[] = []
  try {
    for (let round = 0; round < rounds; round++) {
      begin()
      read(readers)
      const start = performance.now()
      const timer = setTimeout(() => gang.stop(), patience)
      const guard = await lock.write()
      waits.push(same((performance.now() - start) * 1000))
      guard.dispose()
      clearTimeout(timer)
      await end()
    }
  } finally {
    await gang.close()
  }
  return { version, waits }
}

/** The value that `percent` of the values do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN
}

// A wait is a time on the clock: there is no processor time to tell.
function same(time: number): Cost {
  return { cpu: time, wall: time }
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}
