import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { makeMemory, Peer } from './peers.mjs'

const mostMs = 3_000
const patience = { timeout: 5_000 }

/**
 * Sends items to and fro between this thread and another thread or process, which sleeps in between. Without wake-ups each one
 * would take until somebody looks by himself: that is where a lost one hides.
 *
 * @returns the round trips in milliseconds, sorted, by how the other one waits
 */
export async function wakeUps({ kind, trips = 300 }) {
  const memory = makeMemory(kind, 1 << 18, 8)
  const peer = new Peer(kind, './wake-ups-peer.mjs')
  const rows = {}
  try {
    for (const blocking of [false, true]) {
      const [there, back] = [0, 1].map(() => new ThreadSafeQueue({ capacity: 1, capacityBytes: 64, memory }))
      peer.send({ memory: memory.toHandle(), there: there.toHandle(), back: back.toHandle(), blocking })
      if ((await peer.hears()) !== 'ready') throw new Error('a peer did not start')
      const took = []
      const end = performance.now() + mostMs
      while (took.length < trips && performance.now() < end) {
        const begun = performance.now()
        await there.put(took.length, patience)
        const answer = await back.get(patience)
        if (answer !== took.length) throw new Error(`${answer} came back for ${took.length}`)
        took.push(performance.now() - begun)
      }
      there.close()
      rows[blocking ? 'blocking' : 'awaiting'] = took.sort((one, other) => one - other)
    }
  } finally {
    await peer.end()
    if (kind === 'process') memory.close()
  }
  return { wrong: [], rows }
}
