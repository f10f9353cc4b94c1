import type { DuelRunner, Outcome } from '../arena.js'
import { charged, portions, runBatches, type Side, type Sizes } from '../batches.js'
import { startBullmq } from '../peers/cluster/bullmq.js'
import type { Replies } from '../peers/cluster/bullmq-connection.js'
import { startHeddle } from '../peers/cluster/heddle.js'
import { type Flooded, flood, inFlight } from '../peers/cluster/in-flight.js'
import type { Runner } from '../peers/cluster/runner.js'
import { clockOf, type Engine, startServer } from '../peers/cluster/servers.js'
import type { Cost, Duel } from '../report.js'
import { median, round } from '../statistics.js'
import type { Own } from './batched.js'

const many = 64
const onRedis = { calls: 3000, batches: 1 }
const onPostgres = { calls: 400, batches: 1 }
const aloneOnRedis = { calls: 100, batches: 4 }
const aloneOnPostgres = { calls: 25, batches: 4 }

const floodTasks = 20_000
const slotMs = 5000
const ourWaitMs = 60_000
const rivalWaitMs = 10_000
/** PostgreSQL takes as many tasks as fit in. */
const sendMs = { redis: { ours: 120_000, rival: 60_000 }, postgres: { ours: 60_000, rival: 20_000 } }

/** The duels of the suite `cluster`; the rows that they belong to are in suites/cluster-plans.ts. */
export const duels: Readonly<Record<string, DuelRunner>> = {
  'cluster-overhead-redis/events': besideBullmq('redis', 'events', many, onRedis),
  'cluster-overhead-redis/alone': besideBullmq('redis', 'events', 1, aloneOnRedis),
  'cluster-overhead-postgres/polling': besideBullmq('postgres', 'polling', many, onPostgres),
  'cluster-overhead-postgres/relay': besideBullmq('postgres', 'relay', many, onPostgres),
  'cluster-overhead-postgres/alone': besideBullmq('postgres', 'relay', 1, aloneOnPostgres),
  'cluster-lost/redis': losing('redis'),
  'cluster-lost/postgres': losing('postgres'),
}

/** Time on the clock for each task; what all processes have used of the processors is told beside it. */
function besideBullmq(engine: Engine, replies: Replies, most: number, own: Own): DuelRunner {
  return async (sizes) => {
    const { calls, batches } = portions(sizes, own)
    const server = await startServer(engine)
    try {
      const [ours, rival] = await startBoth(server.url, replies)
      const side = ({ call, close, pid }: Runner): Side => ({
        calls,
        batch: charged((tasks) => inFlight(call, tasks, most), clockOf(server, [pid])),
        close,
      })
      return onTheClock(await runBatches(side(ours), side(rival), sizes, batches), rival.version)
    } finally {
      await server.stop()
    }
  }
}

function onTheClock(duel: Duel, rivalVersion: string): Outcome {
  const costs = (side: readonly Cost[]) => round(median(side.map(({ cpu }) => cpu)), 3)
  const ratio = round(median(duel.ours.map(({ cpu }, index) => cpu / (duel.rival[index] as Cost).cpu)), 3)
  const clock = (side: readonly Cost[]) => side.map(({ wall }) => ({ cpu: wall, wall }))
  return {
    duel: { ours: clock(duel.ours), rival: clock(duel.rival) },
    rivalVersion,
    ...(Number.isNaN(ratio)
      ? {}
      : {
          note: `the processor time of caller, node and server is ${costs(duel.ours)} and ${costs(duel.rival)} µs a task, ratio ${ratio}`,
        }),
  }
}

/** How many of many tasks never come to an end, first of ours, then of the rival that listens to the queue's events. */
function losing(engine: Engine): DuelRunner {
  return async ({ calls = floodTasks }: Sizes) => {
    const tasks = Math.min(calls, floodTasks)
    const server = await startServer(engine)
    try {
      const [ours, rival] = await startBoth(server.url, 'events')
      try {
        const limits = { tasks, inFlight: many, slotMs }
        const { ours: ourMs, rival: rivalMs } = sendMs[engine]
        const our = await flood(ours.call, { ...limits, sendMs: ourMs, waitMs: ourWaitMs })
        const their = await flood(rival.call, { ...limits, sendMs: rivalMs, waitMs: rivalWaitMs })
        return {
          duel: { ours: [lossOf(our)], rival: [lossOf(their)] },
          rivalVersion: rival.version,
          note: `${told(our, ourWaitMs)}; the rival's ${told(their, rivalWaitMs)}`,
        }
      } finally {
        await Promise.all([ours.close(), rival.close()])
      }
    } finally {
      await server.stop()
    }
  }
}

function lossOf({ sent, lost, wrong, elapsed }: Flooded): Cost {
  return { cpu: lost + wrong, wall: (elapsed * 1000) / Math.max(1, sent - lost) }
}

function told({ sent, lost, wrong }: Flooded, waitMs: number): string {
  return `${sent} tasks, ${lost} without an answer ${waitMs / 1000} s after the last was sent, ${wrong} with a wrong one`
}

async function startBoth(url: string, replies: Replies): Promise<[ours: Runner, rival: Runner]> {
  const rival = await startBullmq(url, replies)
  try {
    return [await startHeddle(url), rival]
  } catch (error) {
    await rival.close()
    throw error
  }
}
