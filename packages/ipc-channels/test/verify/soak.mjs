import { setTimeout as delay } from 'node:timers/promises'
import { Pipe, PipeEnd, ThreadSafeQueue, Topic } from '@heddle/ipc-channels'
import { makeMemory, Peer } from './peers.mjs'
import { randomOf } from './random.mjs'
import { measure, traffic } from './soak-traffic.mjs'

/** What may be more at the end than the slope says for one who keeps nothing: caches, and the noise of the collector. */
const most = { rss: 24 << 20, heap: 4 << 20, descriptors: 2, resources: 2, segment: 0 }
const samples = 120

/**
 * Lets this thread, another one and a process use a queue, pipes and a topic for `minutes`, and looks whether anything grows
 * from the second quarter on: memory, descriptors, handles, or what is used of the segment.
 *
 * @returns what was wrong, what was done, and by how much each grew
 */
export async function soak({ minutes, seed }) {
  const memory = makeMemory('process', 1 << 20, 16)
  const wrong = []
  const counts = {}
  const line = memory.allocate(16)
  const queue = new ThreadSafeQueue({ capacity: 32, capacityBytes: 4_096, memory })
  const topic = new Topic({ capacity: 32, capacityBytes: 8_192, memory })
  // To this thread and to each other: everybody has one end of a pipe with its neighbour.
  const [[a, b], [c, d]] = [
    Pipe.create({ memory, capacityBytes: 2_048 }),
    Pipe.create({ memory, capacityBytes: 2_048 }),
  ]
  const shared = { memory: memory.toHandle(), line, queue: queue.toHandle(), topic: topic.toHandle() }
  const peers = { process: new Peer('process', './soak-peer.mjs'), thread: new Peer('thread', './soak-peer.mjs') }
  // A second one in a process of its own: the thread's pipe goes there.
  peers.other = new Peer('process', './soak-peer.mjs')
  try {
    peers.process.send({ ...shared, end: b.toHandle(), id: 1, seed: seed + 1 })
    peers.thread.send({ ...shared, end: c.toHandle(), id: 2, seed: seed + 2 })
    peers.other.send({ ...shared, end: d.toHandle(), id: 3, seed: seed + 3 })
    const own = traffic({
      queue,
      end: PipeEnd.fromHandle(a.toHandle()),
      topic,
      id: 0,
      random: randomOf(seed),
      goesOn: () => Atomics.load(memory.words, line) === 0,
      counts,
    }).catch((error) => wrong.push(error.stack))
    const rows = await sample({ peers, memory, minutes, wrong, counts })
    Atomics.store(memory.words, line, 1)
    await own
    for (const [name, peer] of Object.entries(peers)) {
      const last = await Promise.race([peer.hears(), delay(10_000, { wrong: 'does not end' }, { ref: false })])
      if (!last?.isDone) wrong.push(`${name}: ${last?.wrong ?? 'has ended'}`)
    }
    return { wrong, counts, growth: judge(rows, wrong) }
  } finally {
    await Promise.all(Object.values(peers).map((peer) => peer.end()))
    memory.close()
  }
}

async function sample({ peers, memory, minutes, wrong, counts }) {
  const rows = []
  const interval = (minutes * 60_000) / samples
  const others = {}
  for (let n = 0; n < samples && wrong.length === 0; n++) {
    await delay(interval)
    const row = { at: performance.now(), here: { ...measure(), segment: memory.stats().usedBytes } }
    for (const name of ['process', 'other']) {
      peers[name].send('measure')
      const heard = await peers[name].hears()
      if (!heard?.measured) {
        wrong.push(`${name}: ${heard?.wrong ?? 'has ended'}`)
        return rows
      }
      row[name] = heard.measured
      others[name] = heard.counts
    }
    rows.push(row)
  }
  for (const each of Object.values(others))
    for (const [what, times] of Object.entries(each)) counts[what] = (counts[what] ?? 0) + times
  return rows
}

/** The slope from the second quarter on, as growth over that time. */
function judge(rows, wrong) {
  const growth = {}
  const steady = rows.slice(rows.length >> 2)
  if (steady.length < 10) return growth
  for (const who of ['here', 'process', 'other'])
    for (const what of Object.keys(steady[0][who])) {
      const grown = slopeOf(steady.map((row) => [row.at, row[who][what]])) * (steady.at(-1).at - steady[0].at)
      growth[`${who} ${what}`] = Math.round(grown)
      if (grown > most[what]) wrong.push(`${who}: ${what} grew by ${grown.toFixed(0)}`)
    }
  return growth
}

/** Of the straight line that is nearest to the points. */
function slopeOf(points) {
  const mean = (n) => points.reduce((sum, point) => sum + point[n], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  let [over, under] = [0, 0]
  for (const point of points) {
    over += (point[0] - x) * (point[1] - y)
    under += (point[0] - x) ** 2
  }
  return under === 0 ? 0 : over / under
}
