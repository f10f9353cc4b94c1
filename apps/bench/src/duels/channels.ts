import type { DuelRunner } from '../arena.js'
import { queueBesideSend, queueBetweenProcesses } from '../peers/channels/processes.js'
import * as python from '../peers/channels/python.js'
import { pipeAlone, pipeBesideFutex } from '../peers/channels/round-trips.js'
import { betweenThreads, queueBetweenThreads } from '../peers/channels/threads.js'
import { batched, batchedTogether } from './batched.js'

/** So many that what it takes to tell both sides to begin does not count. */
const messages = { calls: 50_000, batches: 2 }
const beside20Times = { calls: 100_000, batches: 1 }
const beside10Times = { calls: 200_000, batches: 1 }
const roundTrips = { calls: 2500, batches: 4 }
const pythonRoundTrips = { calls: 5000, batches: 1 }

const pipesApart = batched(async () => python.pipeRoundTrips(), pipeAlone, pythonRoundTrips)

/** The duels of the suite `channels`; the rows that they belong to are in suites/channels-plans.ts. */
export const duels: Readonly<Record<string, DuelRunner>> = {
  'queue-thread-bytes/port': batchedTogether(() => betweenThreads('port', 'bytes'), messages),
  'queue-thread-bytes/ring': batchedTogether(() => betweenThreads('ring', 'bytes'), messages),
  'queue-thread-object/port': batchedTogether(() => betweenThreads('port', 'object'), messages),
  'queue-thread-object/python': batched(
    async () => python.threadQueue('object'),
    () => queueBetweenThreads('object'),
    beside10Times,
    10,
  ),
  'queue-vs-multithreading/blocking': batchedTogether(
    () => betweenThreads('multithreading', 'object'),
    beside20Times,
    20,
  ),

  'queue-process-bytes/python': besidePython('queue', 'bytes'),
  'queue-process-many/python': besidePython('batches', 'bytes'),
  'queue-process-object/python': besidePython('queue', 'object'),
  'queue-vs-send/bytes': batchedTogether(() => queueBesideSend('bytes', 'advanced'), beside10Times, 10),
  'queue-vs-send/text': batchedTogether(() => queueBesideSend('text', 'json'), beside10Times, 10),

  'pipe-roundtrip/futex': batchedTogether(pipeBesideFutex, roundTrips),
  'pipe-roundtrip/one-core': batchedTogether(pipeBesideFutex, roundTrips),
  'pipe-vs-python/python': pipesApart,
  'pipe-vs-python/one-core': pipesApart,
}

function besidePython(way: 'queue' | 'batches', kind: 'bytes' | 'object'): DuelRunner {
  return batched(
    async () => python.processQueue(kind),
    () => queueBetweenProcesses(way, kind),
    beside10Times,
    10,
  )
}
