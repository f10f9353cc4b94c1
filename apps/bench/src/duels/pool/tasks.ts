import type { DuelRunner } from '../../arena.js'
import { charged } from '../../batches.js'
import { type Contender, runDuel } from '../../duel.js'
import { bareProcess, bareThread } from '../../peers/pool/bare.js'
import { timeOf, withChildren } from '../../peers/pool/children.js'
import type { Pool } from '../../peers/pool/contender.js'
import { heddleProcesses, heddleThreads } from '../../peers/pool/heddle.js'
import { piscinaThreads } from '../../peers/pool/piscina.js'
import { poolifierThreads } from '../../peers/pool/poolifier.js'
import { tinypoolProcesses, tinypoolThreads } from '../../peers/pool/tinypool.js'
import { workerpoolProcesses, workerpoolThreads } from '../../peers/pool/workerpool.js'
import { batched } from '../batched.js'
import { check } from './duel.js'

const burst = { calls: 10_000, batches: 1 }
const workers = 2

/** Trivial tasks: one at a time, or many at once. */
export const taskDuels: Readonly<Record<string, DuelRunner>> = {
  'pool-latency-threads/tinypool': alone(heddleThreads, tinypoolThreads),
  'pool-latency-threads/piscina': alone(heddleThreads, piscinaThreads),
  'pool-latency-threads/workerpool': alone(heddleThreads, workerpoolThreads),
  'pool-latency-threads/poolifier': alone(heddleThreads, poolifierThreads),
  'pool-latency-threads/bare': alone(heddleThreads, bareThread),

  'pool-latency-processes/tinypool': aloneInProcesses(tinypoolProcesses),
  'pool-latency-processes/workerpool': aloneInProcesses(workerpoolProcesses),
  'pool-latency-processes/bare': aloneInProcesses(bareProcess),

  'submit-burst-threads/tinypool': atOnce(heddleThreads, tinypoolThreads),
  'submit-burst-processes/tinypool': atOnce(heddleProcesses, tinypoolProcesses, timeOf),
  'submit-burst-processes/workerpool': atOnce(heddleProcesses, workerpoolProcesses, timeOf),
  'submit-burst-best/piscina': atOnce(heddleThreads, piscinaThreads),
  'submit-burst-best/workerpool': atOnce(heddleThreads, workerpoolThreads),
  'submit-burst-best/poolifier': atOnce(heddleThreads, poolifierThreads),
}

type Ours = Contender & Pick<Pool, 'call'>

function aloneInProcesses(peer: () => Promise<Pool>): DuelRunner {
  return alone(
    () => withChildren(heddleProcesses),
    () => withChildren(peer),
  )
}

function alone(start: () => Contender | Promise<Contender>, peer: () => Promise<Pool>): DuelRunner {
  return async ({ rounds, calls = 1000 }) => {
    const rival = await peer()
    const ours = await start()
    try {
      return { duel: await runDuel(ours, rival, { rounds, calls }), rivalVersion: rival.version }
    } finally {
      await Promise.all([ours.close(), rival.close()])
    }
  }
}

/** All tasks are submitted, one by one, before the first answer is awaited. */
function atOnce(
  start: (workers: number) => Ours,
  peer: (workers: number) => Promise<Pool>,
  elsewhere?: () => number,
): DuelRunner {
  const side = ({ call, close }: Ours) => ({ batch: charged(submitAll(call), elsewhere), close })
  return batched(
    async () => {
      const rival = await peer(workers)
      return { ...side(rival), version: rival.version }
    },
    () => side(start(workers)),
    burst,
  )
}

function submitAll(call: Pool['call']) {
  return async (calls: number) => {
    const promises: Promise<number>[] = []
    for (let n = 0; n < calls; n++) promises.push(call(n))
    check(await Promise.all(promises), calls)
  }
}
