import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import { Topic } from '@heddle/ipc-channels'
import { isWhole, messageOf, OrderCheck } from './messages.mjs'
import { makeMemory, Peer } from './peers.mjs'
import { randomOf } from './random.mjs'

/** The longest that nobody may be able to publish after a death, in milliseconds. */
const longestMs = 1_000
const places = ['publisher', 'publisher', 'wait', 'skip']
const longest = 200
const ahead = 2

/**
 * Kills `rounds` publishers and subscribers of one topic, each time another one, at a moment or at a step, and looks each time
 * whether a message still comes through. Whoever is left gets all messages, whole and in order.
 *
 * @returns what was wrong, and how long it took until a message came through, in milliseconds, sorted
 */
export async function peerStorm({ kind, rounds, seed }) {
  const storm = new Storm(kind, seed)
  try {
    await storm.begin()
    for (let round = 0; round < rounds && storm.wrong.length === 0; round++) await storm.round(round)
  } finally {
    await storm.end()
  }
  const { wrong, counts, noticed } = storm
  return { wrong, counts, noticed: noticed.sort((one, other) => one - other) }
}

class Storm {
  wrong = []
  noticed = []
  counts = { messages: 0 }
  #kind
  #seed
  #random
  #memory
  #topic
  #subscription
  #order = new OrderCheck()
  #ready = []
  #live = []
  #ids = 0
  #probes = 0
  #pump

  constructor(kind, seed) {
    this.#kind = kind
    this.#seed = seed
    this.#random = randomOf(seed)
    this.#memory = makeMemory(kind, 1 << 20, 32)
    // No more places than are used: those of the dead are needed.
    this.#topic = new Topic({ capacity: 16, capacityBytes: 4_096, maxSubscribers: 4, memory: this.#memory })
    this.#subscription = this.#topic.subscribe()
  }

  async begin() {
    this.#pump = this.#receiveAll()
    for (let n = 0; n < places.length + ahead; n++) this.#prepare()
    for (const place of places) await this.#start(place)
  }

  #prepare() {
    const peer = new Peer(this.#kind, './channel-peer.mjs')
    peer.send('hello')
    this.#ready.push(peer)
  }

  async #start(place) {
    const peer = this.#ready.shift()
    if ((await peer.hears()) !== 'ready') throw new Error('a peer did not start')
    const line = this.#memory.allocate(16)
    const id = ++this.#ids
    const isMortal = this.#random(3) > 0
    const role = place === 'publisher' ? 'publisher' : 'subscriber'
    peer.send({
      role,
      whenSlow: place,
      memory: this.#memory.toHandle(),
      handle: this.#topic.toHandle(),
      line,
      longest,
      isMortal,
      id,
      seed: this.#random(2 ** 31),
    })
    this.#live.push({ peer, line, id, isMortal, place })
  }

  async #receiveAll() {
    for (;;) {
      let message
      try {
        message = await this.#subscription.receive()
      } catch (error) {
        if (error.code !== 'ERR_CLOSED') this.wrong.push(`seed ${this.#seed}: ${error.stack}`)
        return
      }
      const problem = isWhole(message) ? this.#order.next(message) : `torn: ${JSON.stringify(message)?.slice(0, 200)}`
      if (problem) this.wrong.push(`seed ${this.#seed}: ${problem}`)
      this.counts.messages += 1
    }
  }

  async round(round) {
    const random = this.#random
    const [victim] = this.#live.splice(random(this.#live.length), 1)
    const steps = victim.isMortal ? 1 + random(random(2) === 0 ? 40 : 150) : 0
    const when = `seed ${this.#seed}, round ${round}: ${victim.place} ${victim.id} ${steps > 0 ? `at step ${steps}` : 'at a moment'}`
    Peer.whenReached?.(when)
    for (let turns = random(300); turns > 0; turns--) await setImmediate()
    if (steps > 0) {
      Atomics.store(this.#memory.words, victim.line, steps)
      await Promise.race([victim.peer.ended, delay(200)])
    }
    const how = victim.peer.hasEnded ? 'at a step' : 'at a moment'
    this.counts[how] = (this.counts[how] ?? 0) + 1
    this.#hear(victim, when)
    victim.peer.kill()
    await this.#probe(when)
    await victim.peer.ended
    if (victim.place === 'publisher') {
      // Nothing of it is after this one.
      await this.#probe(when)
      const published = this.#memory.words[victim.line + 1]
      const got = this.#order.countOf(victim.id)
      if (got < published || got > published + 1)
        this.wrong.push(`${when}: ${published} were published, and ${got} came`)
    }
    for (const one of this.#live) {
      this.#hear(one, when)
      if (one.peer.hasEnded) this.wrong.push(`${when}: ${one.place} ${one.id} has ended by itself`)
    }
    await this.#start(victim.place)
    this.#prepare()
  }

  #hear({ peer, place, id }, when) {
    for (const { wrong } of peer.takeHeard()) this.wrong.push(`${when}: ${place} ${id}: ${wrong}`)
  }

  /** Publishes one, and waits until it comes. */
  async #probe(when) {
    const begun = performance.now()
    const number = this.#probes++
    try {
      await this.#topic.publish(messageOf(0, number, longest), { timeout: 5 * longestMs })
    } catch (error) {
      this.wrong.push(`${when}: ${error.stack}; ${JSON.stringify(this.#topic.getStats())}`)
      return
    }
    while (this.#order.countOf(0) <= number && performance.now() - begun < 5 * longestMs) await setImmediate()
    const took = performance.now() - begun
    this.noticed.push(took)
    if (took > longestMs) this.wrong.push(`${when}: no message came through for ${took.toFixed(0)} ms`)
  }

  async end() {
    await Promise.all([...this.#ready, ...this.#live.map(({ peer }) => peer)].map((peer) => peer.end()))
    this.#topic.close()
    await this.#pump
    if (this.#kind === 'process') this.#memory.close()
  }
}
