import { type Segment, SharedValue } from '@heddle/shared-memory'
import { charged } from '../../batches.js'
import type { Batches } from '../../duels/batched.js'
import type { JobData } from './jobs.js'
import { Peer } from './peer.js'
import { newSegment } from './segment.js'

const segmentBytes = 1 << 16
const processes = 2

interface Count {
  readonly data: JobData
  /** Reads the word that is counted up. */
  readonly read: () => number
}

/** Two processes that count up one number at once: under the lock of a value in a segment, or by bare atomics on a word of it. */
export async function counting(names: readonly ('lock' | 'atomics')[]): Promise<Batches[]> {
  const segment = newSegment(segmentBytes)
  const counts = names.map((name) => (name === 'lock' ? locked(segment) : atomic(segment)))
  const peers = await Promise.all(Array.from({ length: processes }, () => Peer.start(counts.map(({ data }) => data))))
  const close = async () => {
    await Promise.all(peers.map((peer) => peer.close()))
    segment.close()
  }
  return counts.map(({ read }, which) => ({
    batch: charged(
      async (calls) => {
        const before = read()
        const shares = peers.map((_, n) => Math.floor((calls + n) / processes))
        await Promise.all(peers.map((peer, n) => peer.run({ which, calls: shares[n] as number })))
        if (read() - before !== calls) throw new Error(`lost counts: ${read() - before} of ${calls}`)
      },
      () => peers.reduce((sum, { used }) => sum + used, 0),
    ),
    ...(which === 0 ? { close } : {}),
  }))
}

function locked(segment: Segment): Count {
  const value = new SharedValue('int32', 0, { memory: segment })
  return { data: { job: 'count', value: value.toHandle() }, read: () => value.value }
}

function atomic(segment: Segment): Count {
  const index = segment.allocate(1)
  return {
    data: { job: 'add', segment: segment.toHandle(), index },
    read: () => Atomics.load(segment.words, index),
  }
}
