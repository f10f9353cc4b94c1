import type { DuelRunner } from '../arena.js'
import { cacheHits, lockedMap } from '../peers/memory/cache.js'
import { counting } from '../peers/memory/counts.js'
import { dictInSegment, dictOfThreads, plainMap, sharedMap } from '../peers/memory/dicts.js'
import { handoff, type Way } from '../peers/memory/handoff.js'
import { additions, lockBesideBare, locksApart, locksTogether } from '../peers/memory/locks.js'
import * as python from '../peers/memory/python.js'
import { handing, handingBesideCopy } from '../peers/memory/sharing.js'
import { type Batches, batched, batchedTogether } from './batched.js'

/** Operations of some nanoseconds. */
const short = { calls: 20_000, batches: 50 }
const lookups = { calls: 20_000, batches: 10 }
/** So many that what it takes to tell another process to begin does not count. */
const roundTrips = { calls: 2500, batches: 4 }
const messages = { calls: 1000, batches: 4 }
const counts = { calls: 200_000, batches: 1 }
const beside100Times = { calls: 400_000, batches: 1 }
const shipments = { calls: 5, batches: 2 }
const copies = { calls: 2, batches: 1 }

/** The duels of the suite `memory`; the rows that they belong to are in suites/memory-plans.ts. */
export const duels: Readonly<Record<string, DuelRunner>> = {
  'process-atomic/thread': batchedTogether(additions, short),

  'process-mutex-uncontended/thread': batchedTogether(locksApart, { calls: 500_000, batches: 2 }),
  'process-mutex-uncontended/together': batchedTogether(locksTogether, short),
  'process-mutex-uncontended/bare': batchedTogether(lockBesideBare, short),

  'process-handoff/futex': meeting('block', 'futex'),
  'process-handoff/one-core': meeting('block', 'futex'),
  'process-handoff-vs-send/send': meeting('block', 'echo', messages),
  'process-handoff-async/send': meeting('await', 'echo', messages),

  'value-lock/python': batched(
    async () => python.lockedValue(),
    async () => (await counting(['lock']))[0] as Batches,
    counts,
    4,
  ),
  'value-lock/atomics': batchedTogether(async () => {
    const [ours, rival] = (await counting(['lock', 'atomics'])) as [Batches, Batches]
    return { ours, rival, version: process.version }
  }, counts),

  'dict-get/python': batched(
    async () => python.managedDict('get'),
    () => dictInSegment('get'),
    beside100Times,
    100,
  ),
  'dict-get/plain': batched(plainMap, () => dictInSegment('get'), lookups),
  'dict-set/python': batched(
    async () => python.managedDict('set'),
    () => dictInSegment('set'),
    beside100Times,
    100,
  ),
  'dict-get-thread/sharedmap': batched(sharedMap, dictOfThreads, lookups),

  'array-share/one-byte': batchedTogether(() => handing('once'), shipments),
  'array-share/one-byte-opened': batchedTogether(() => handing('each time'), shipments),
  'array-share/copy': batchedTogether(handingBesideCopy, copies),

  'cache-get/locked-map': batched(lockedMap, cacheHits, lookups),
}

function meeting(ours: Way, rival: Way, own = roundTrips): DuelRunner {
  return batchedTogether(() => handoff(ours, rival), own)
}
