import { workerData } from 'node:worker_threads'
import { Barrier } from '@heddle/sync-primitives'
import { between } from '../lanes/chance.js'
import { currentRound, LaneWriter, restSync, waitForNextRound } from '../lanes/lane-words.js'
import { type BarrierWork, barrierSubjects } from './barrier-work.js'

/** A party of `barrier`. */
const { words, place, barrier: handle } = workerData as BarrierWork
const lane = new LaneWriter(words, place, barrierSubjects)
const barrier = Barrier.fromHandle(handle)

for (;;) {
  // Read before the meeting: the server begins the next round when all have said that this one is broken.
  const round = currentRound(words)
  lane.tell('running', 'its part of the round')
  restSync(words, between(100, 600))
  lane.tell('waiting', 'the others')
  try {
    barrier.waitSync()
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_BARRIER_BROKEN') throw error
    lane.tell('waiting', 'a new barrier')
    waitForNextRound(words, round)
  }
}
