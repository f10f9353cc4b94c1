import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import { Pipe } from '@heddle/ipc-channels'
import { isWhole, messageOf, OrderCheck } from './messages.mjs'
import { makeMemory, Peer } from './peers.mjs'
import { randomOf } from './random.mjs'

/** The longest that a death may go unnoticed, in milliseconds. */
const longestMs = 1_000
const patienceMs = 15_000
/** Peers that are made ready while others die. */
const ahead = 2

/**
 * Kills `rounds` peers, each in the middle of sending and receiving by a pipe of its own, at a moment or at a step. Whoever has
 * the other end gets all that was sent, whole and in order, and is told of the death, sending and receiving.
 *
 * @returns what was wrong, and how long a death went unnoticed, in milliseconds, sorted
 */
export async function peerStorm({ kind, rounds, seed }) {
  const random = randomOf(seed)
  const memory = makeMemory(kind, 1 << 22, 32)
  const storm = { kind, memory, random, wrong: [], noticed: [], counts: { messages: 0 } }
  const start = () => {
    const peer = new Peer(kind, './channel-peer.mjs')
    peer.send('hello')
    return peer
  }
  const ready = Array.from({ length: ahead }, start)
  try {
    for (let round = 0; round < rounds && storm.wrong.length === 0; round++) {
      const peer = ready.shift()
      ready.push(start())
      await one(storm, peer, `seed ${seed}, round ${round}`)
    }
  } finally {
    await Promise.all(ready.map((peer) => peer.end()))
    if (kind === 'process') memory.close()
  }
  return { wrong: storm.wrong, counts: storm.counts, noticed: storm.noticed.sort((a, b) => a - b) }
}

async function one({ memory, random, wrong, noticed, counts }, peer, round) {
  if ((await peer.hears()) !== 'ready') throw new Error('a peer did not start')
  const line = memory.allocate(16)
  const longest = [10, 100, 2_000][random(3)]
  const [own, other] = Pipe.create({ memory, capacityBytes: 512 })
  const isMortal = random(3) > 0
  const steps = isMortal ? 1 + random(random(2) === 0 ? 40 : 150) : 0
  const when = `${round}, ${isMortal ? `at step ${steps}` : 'at a moment'}, messages up to ${longest}`
  Peer.whenReached?.(when)
  peer.send({
    role: 'pipe',
    memory: memory.toHandle(),
    handle: other.toHandle(),
    line,
    longest,
    isMortal,
    id: 1,
    seed: random(2 ** 31),
  })
  const order = new OrderCheck()
  const ends = {}
  const sending = untilBroken(async (number) => own.send(messageOf(0, number, longest)))
  const receiving = untilBroken(async () => {
    const message = await own.receive()
    if (!isWhole(message)) throw new Error(`torn: ${JSON.stringify(message)?.slice(0, 200)}`)
    const problem = order.next(message)
    if (problem) throw new Error(problem)
    counts.messages += 1
  })
  const limit = performance.now() + patienceMs
  while (order.countOf(1) < 5 && performance.now() < limit && !peer.hasEnded) await delay(1)
  for (let turns = random(300); turns > 0; turns--) await setImmediate()
  const exit = peer.ended.then(() => performance.now())
  if (isMortal) {
    Atomics.store(memory.words, line, steps)
    await Promise.race([exit, delay(200)])
  }
  ends.how = peer.hasEnded ? 'at a step' : 'at a moment'
  counts[ends.how] = (counts[ends.how] ?? 0) + 1
  for (const { wrong: problem } of peer.takeHeard()) wrong.push(`${when}: the peer: ${problem}`)
  const killed = performance.now()
  peer.kill()
  const dead = ends.how === 'at a step' ? Math.min(killed, await exit) : killed
  const told = await Promise.race([Promise.all([sending, receiving]), delay(patienceMs)])
  if (!told) {
    wrong.push(`${when}: nobody was told of the death`)
    return
  }
  for (const [n, { error, at }] of told.entries()) {
    const late = Math.max(0, at - dead)
    noticed.push(late)
    if (error.code !== 'ERR_PEER_GONE') wrong.push(`${when}: ${n === 0 ? 'send' : 'receive'}: ${error.stack}`)
    if (late > longestMs) wrong.push(`${when}: told after ${late.toFixed(0)} ms`)
  }
  const sent = memory.words[line + 1]
  const got = order.countOf(1)
  // It may have sent one more that it could not note.
  if (got < sent || got > sent + 1) wrong.push(`${when}: ${sent} were sent, and ${got} came`)
  await exit
}

/** Goes on until it is told that the peer is gone, or something else is wrong. */
async function untilBroken(once) {
  for (let number = 0; ; number++)
    try {
      await once(number)
    } catch (error) {
      return { error, at: performance.now() }
    }
}
