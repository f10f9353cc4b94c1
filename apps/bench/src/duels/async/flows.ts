import type { DuelRunner } from '../../arena.js'
import * as batchers from '../../peers/async/batchers.js'
import * as crowds from '../../peers/async/crowds.js'
import { asyncioQueue } from '../../peers/async/python.js'
import * as queues from '../../peers/async/queues.js'
import { beside, type Loop, type Own, pair } from './duel.js'

const ofPlatform = (loop: Loop) => ({ version: process.version, loop })

const items: Own = { calls: 1_000_000, batches: 1 }
const batched: Own = { calls: 100_000, batches: 3 }
const crowd: Own = { calls: 100_000, batches: 1 }

/** Queues, batches, and crowds that wait on one signal. */
export const flowDuels: Readonly<Record<string, DuelRunner>> = {
  'queue-await/bare': pair(async () => [queues.heddleAwaited(), ofPlatform(queues.ringAwaited())], items),
  'queue-await/pass-through': pair(async () => [queues.heddleAwaited(), ofPlatform(queues.passThrough())], items),
  'queue-python/python': beside(queues.heddleAwaited, asyncioQueue, 300_000),
  'queue-try/bare': pair(async () => [queues.heddleTried(), ofPlatform(queues.ringTried())], items),

  'batch-item/dataloader': pair(async () => [batchers.heddleWaves(), await batchers.dataloaderWaves()], batched),
  'batch-ack/dataloader': pair(async () => [batchers.heddleCrowd(), await batchers.dataloaderCrowd()], batched),

  'abort-crowd/bare': pair(async () => [crowds.heddle(), crowds.plainSet()], crowd),
  'abort-crowd/p-queue': pair(async () => [crowds.heddle(), await crowds.pQueue()], crowd, 50),
}
