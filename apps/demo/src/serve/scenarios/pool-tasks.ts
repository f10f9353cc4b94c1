import { threadId } from 'node:worker_threads'
import { defineTask } from '@heddle/worker-pool'
import { claimPlace, LaneWriter, rest } from '../lanes/lane-words.js'

export const poolSubjects = ['a thumbnail', 'a page', 'a film'] as const
export type PoolWork = (typeof poolSubjects)[number]

let words: Int32Array | undefined
let lane: LaneWriter<PoolWork> | undefined

/** The first thing that a worker of `pool` does: it chooses where to tell what it does. */
export const moveIn = defineTask(import.meta.url, 'moveIn', (shared: Int32Array) => {
  const place = claimPlace(shared, threadId)
  if (place === undefined) throw new Error('there are more workers than places')
  words = shared
  lane = new LaneWriter(shared, place, poolSubjects)
  lane.tell('idle')
})

/** Work that takes so long at full speed. A part of it computes. */
export const make = defineTask(
  import.meta.url,
  'make',
  async (what: PoolWork, ms: number) => {
    if (words === undefined) throw new Error('this worker has not moved in')
    lane?.tell('running', what)
    let steps = 0
    for (const until = performance.now() + ms / 40; performance.now() < until; ) steps += 1
    await rest(words, ms)
    lane?.tell('idle')
    return steps
  },
  // Nothing is half done when it has ended: so it may run twice.
  { idempotent: true },
)
