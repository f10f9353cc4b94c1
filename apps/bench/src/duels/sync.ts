import type { DuelRunner, Outcome } from '../arena.js'
import { charged, portions, runBatches, type Side, type Sizes } from '../batches.js'
import { asyncMutex } from '../peers/sync/async-mutex.js'
import { asyncSema } from '../peers/sync/async-sema.js'
import * as bare from '../peers/sync/bare.js'
import { contending } from '../peers/sync/contending.js'
import { signalName } from '../peers/sync/events.js'
import { handoff } from '../peers/sync/handoff.js'
import * as heddle from '../peers/sync/heddle.js'
import { loadMultithreading } from '../peers/sync/load.js'
import * as multithreading from '../peers/sync/multithreading.js'
import { threadingLock } from '../peers/sync/python.js'
import { percentile, rivalWaits, writerWaits } from '../peers/sync/writer-wait.js'

type Loop = (calls: number) => unknown

interface Rival {
  readonly version: string
  readonly loop: Loop
}

const permits = 4

/** The duels of the suite `sync`; the rows that they belong to are in suites/sync.ts. */
export const duels: Readonly<Record<string, DuelRunner>> = {
  'mutex-uncontended/bare': short(() => [heddle.mutexSync(), ofPlatform(bare.barePair())]),
  'mutex-uncontended/python': async (sizes) => {
    const { calls } = portions(sizes, { calls: 400_000, batches: 1 })
    const { version, batch } = threadingLock()
    return await duel(version, { calls, batch: charged(heddle.mutexSync()) }, { calls, batch }, sizes, 1)
  },
  'mutex-uncontended/async-mutex': short(async () => [heddle.mutexSync(), await asyncMutex('import')], 10),
  'mutex-uncontended/async-mutex-require': short(async () => [heddle.mutexSync(), await asyncMutex('require')], 10),
  'mutex-uncontended/multithreading': short(async () => [heddle.mutexSync(), await multithreading.blockingLock()], 10),

  'mutex-exclusive/bare': short(() => [heddle.mutexExclusive(counting()), ofPlatform(bare.bareExclusive(counting()))]),

  'mutex-async/new-promise': promised(() => [heddle.mutexAsync(), ofPlatform(bare.awaitNewPromise())]),
  'mutex-async/kept-promise': promised(() => [heddle.mutexAsync(), ofPlatform(bare.awaitKeptPromise())]),
  'mutex-async/async-mutex': promised(async () => [heddle.mutexAsync(), await asyncMutex('import')], 10),
  'mutex-async/async-mutex-require': promised(async () => [heddle.mutexAsync(), await asyncMutex('require')], 2),
  'mutex-async/multithreading': promised(async () => [heddle.mutexAsync(), await multithreading.asyncLock()], 5),

  'mutex-contended/multithreading': contended('multithreading', 50),
  'mutex-contended/bare': contended('bare', 1),
  'mutex-contended/atomics': contended('atomics', 1),

  'rwlock-read/bare': short(async () => [await heddle.readersSync(), ofPlatform(bare.bareReaders())]),

  'semaphore-async/async-sema': promised(async () => [heddle.semaphoreAsync(permits), await asyncSema(permits)]),
  'semaphore-async/new-promise': promised(() => [heddle.semaphoreAsync(permits), ofPlatform(bare.awaitNewPromise())]),

  'handoff/bare': roundTrips('block'),
  'handoff-async/bare': roundTrips('await'),

  'writer-wait/hold': async (sizes) => {
    const { duel, waits } = await writerWaits(sizes.rounds, writesOf(sizes))
    const [p50, p99, most] = [50, 99, 100].map((percent) => `${Math.round(percentile(waits, percent))} µs`)
    return {
      duel,
      rivalVersion: process.version,
      note: `all ${waits.length} waits together: p50 ${p50}, p99 ${p99}, longest ${most}`,
    }
  },
  'writer-wait/multithreading': async (sizes) => {
    const rounds = Math.min(sizes.rounds, 3)
    const { duel } = await writerWaits(rounds, writesOf(sizes))
    const { version, waits } = await rivalWaits(rounds, 500)
    return { duel: { ours: duel.ours, rival: waits }, rivalVersion: version }
  },
}

const writesOf = (sizes: Sizes) => portions(sizes, { calls: 100, batches: 1 }).calls

/** Operations of some nanoseconds. A slow rival does `less` times fewer of them in a batch. */
function short(sides: () => [Loop, Rival] | Promise<[Loop, Rival]>, less = 1): DuelRunner {
  return loops(sides, { calls: 20_000, batches: 50 }, less)
}

/** Operations that await: some hundred nanoseconds. */
function promised(sides: () => [Loop, Rival] | Promise<[Loop, Rival]>, less = 1): DuelRunner {
  return loops(sides, { calls: 5000, batches: 50 }, less)
}

function loops(
  sides: () => [Loop, Rival] | Promise<[Loop, Rival]>,
  own: { calls: number; batches: number },
  less: number,
): DuelRunner {
  return async (sizes) => {
    const { calls, batches } = portions(sizes, own)
    const [ours, rival] = await sides()
    return await duel(
      rival.version,
      { calls, batch: charged(ours) },
      { calls: Math.ceil(calls / less), batch: charged(rival.loop) },
      sizes,
      batches,
    )
  }
}

function contended(name: 'multithreading' | 'bare' | 'atomics', less: number): DuelRunner {
  return async (sizes) => {
    const { calls, batches } = portions(sizes, { calls: 1_000_000, batches: 3 })
    const version = name === 'multithreading' ? (await loadMultithreading()).version : process.version
    const [ours, rival] = await contending({ heddle: calls, [name]: Math.ceil(calls / less) })
    return await duel(version, ours as Side, rival as Side, sizes, batches)
  }
}

function roundTrips(how: 'block' | 'await'): DuelRunner {
  return async (sizes) => {
    const { calls, batches } = portions(sizes, { calls: 250, batches: 10 })
    const sides = await handoff(how, calls)
    return {
      ...(await duel(process.version, ...sides, sizes, batches)),
      note: `ours: two of ${await signalName()}`,
    }
  }
}

async function duel(version: string, ours: Side, rival: Side, sizes: Sizes, batches: number): Promise<Outcome> {
  return { duel: await runBatches(ours, rival, sizes, batches), rivalVersion: version }
}

function ofPlatform(loop: Loop): Rival {
  return { version: process.version, loop }
}

/** The body of a critical section: each contender gets a function and a number of its own. */
function counting(): () => unknown {
  const counter = { value: 0 }
  return () => {
    counter.value = (counter.value + 1) & 0xffff
    return counter.value
  }
}
