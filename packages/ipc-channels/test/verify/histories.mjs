// Records what four clients see of one queue, and checks that it can be explained by calls one after the other.

import { checkLinearizable } from '@heddle/interleave'
import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { operationsOf, queueModel } from './history-model.mjs'
import { makeMemory, Peer } from './peers.mjs'
import { randomOf } from './random.mjs'

const clients = 4
/** Histories for one message. */
const batch = 10
/** A history that takes longer than this to check is undecided. */
const maxStates = 500_000
const puts = ['put', 'putSync', 'tryPut', 'putMany', 'putManySync', 'tryPutMany']
const gets = ['get', 'getSync', 'tryGet', 'getMany', 'getManySync', 'tryGetMany']

/**
 * Records `rounds` histories of queues that threads or processes share, and checks them.
 *
 * @param kind - of the clients: `thread` or `process`
 * @returns how many calls there were, how many histories are undecided, and what was wrong
 */
export async function checkHistories({ kind, rounds, seed }) {
  const memory = makeMemory(kind, 1 << 22, 16)
  const shared = memory.allocate(48)
  const peers = Array.from({ length: clients }, () => new Peer(kind, './history-client.mjs'))
  const row = { calls: 0, undecided: 0, overlaps: 0, wrong: [] }
  try {
    for (const peer of peers) peer.send({ memory: memory.toHandle(), shared, clients })
    for (let first = 0; first < rounds && row.wrong.length === 0; first += batch) {
      Peer.whenReached?.(`seed ${seed + first}`)
      const plans = Array.from({ length: Math.min(batch, rounds - first) }, (_, n) => planOf(seed + first + n))
      const queues = plans.map(({ capacity }) => new ThreadSafeQueue({ capacity, capacityBytes: 1_024, memory }))
      for (const [client, peer] of peers.entries())
        peer.send({
          handles: queues.map((queue) => queue.toHandle()),
          plans: plans.map(({ timeout, scripts }) => ({ timeout, strands: scripts[client] })),
        })
      const records = await Promise.all(peers.map((peer) => peer.hears()))
      const failure = records.find((record) => !record?.histories)
      if (failure !== undefined || records.includes(undefined)) {
        row.wrong.push(`seed ${seed + first} to ${seed + first + batch - 1}: a client failed: ${failure?.wrong}`)
        break
      }
      for (const [n, { capacity }] of plans.entries())
        judge(
          row,
          records.flatMap(({ histories }) => histories[n]),
          capacity,
          seed + first + n,
        )
      // A segment gets its room back; of a thread memory there is enough.
      if (kind === 'process') for (const queue of queues) memory.dispose(queue)
    }
  } finally {
    await Promise.all(peers.map((peer) => peer.end()))
    if (kind === 'process') memory.close()
  }
  return row
}

/** What each client is to do, the same for the same seed. */
function planOf(seed) {
  const random = randomOf(seed)
  const capacity = 1 + random(3)
  let item = 0
  const length = 4 + random(3)
  const ends = random(3) === 0
  const script = (client, asyncOnly) =>
    Array.from({ length: asyncOnly ? 3 : length }, () => {
      if (ends && client === 0 && random(length) === 0) return { call: random(2) === 0 ? 'close' : 'shutdown' }
      const names = random(2) === 0 ? puts : gets
      const call = names[random(asyncOnly ? 2 : names.length) * (asyncOnly ? 3 : 1)]
      if (names === gets) return { call, most: call.includes('Many') ? 1 + random(3) : 1 }
      const count = call.includes('Many') ? 1 + random(3) : 1
      return { call, items: Array.from({ length: count }, () => ++item) }
    })
  const scripts = Array.from({ length: clients }, (_, client) =>
    // Some clients have two calls under way at a time.
    client < 2 && random(2) === 0 ? [script(client, true), script(client, true)] : [script(client, false)],
  )
  // 0 and a little: with 0 the calls crowd, with more they also sleep.
  return { capacity, timeout: random(3), scripts }
}

function judge(row, history, capacity, seed) {
  row.calls += history.length
  const operations = history.flatMap((call, id) => operationsOf(call, id))
  const { verdict, stuckAt } = checkLinearizable(operations, queueModel(capacity), { maxStates })
  if (verdict === 'bound hit') row.undecided += 1
  if (verdict === 'illegal') row.wrong.push({ seed, capacity, history, stuckAt })
}
