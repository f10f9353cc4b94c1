import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import { ThreadSafePriorityQueue, ThreadSafeQueue } from '@heddle/ipc-channels'
import { Ledger, ledgerWords } from './ledger.mjs'
import { makeMemory, Peer } from './peers.mjs'
import { randomOf } from './random.mjs'

const queueClasses = { ThreadSafeQueue, ThreadSafePriorityQueue }
const slots = 48
/** Rounds between two audits. */
const auditEvery = 25
/** The longest that the queue may be out of use after a death, in milliseconds. */
const longestMs = 1_000
/** How long nothing may take that ends by itself. */
const patienceMs = 10_000

/**
 * Kills `rounds` producers and consumers of one queue, each time another one, in the middle of anything that a queue can do,
 * and looks each time whether it can be used at once. Another one takes the place of each. Now and then all producers pause,
 * and what was put is compared with what was got.
 *
 * @param of - the class of the queue
 * @param kind - `process`: SIGKILL, at a random moment or at a random step; `thread`: `terminate()`, and the same
 * @param perRole - how many producers there are at a time, and how many consumers
 * @param ahead - how many are made ready while others die
 * @returns what was wrong, and how long the queue was out of use, in milliseconds, sorted
 */
export async function killStorm({ of = 'ThreadSafeQueue', rounds, seed, kind = 'process', perRole = 3, ahead = 3 }) {
  const storm = new Storm(of, kind, seed)
  try {
    await storm.begin(perRole, ahead)
    for (let round = 0; round < rounds && storm.wrong.length === 0; round++) await storm.round(round)
    if (storm.wrong.length === 0) await storm.end()
  } finally {
    await storm.clear()
  }
  const { wrong, counts, outages } = storm
  return { wrong, counts, outages: outages.sort((one, other) => one - other) }
}

class Storm {
  wrong = []
  outages = []
  counts = { items: 0, 'died with items': 0 }
  #of
  #kind
  #seed
  #random
  #memory
  #base
  #queue
  #ledger
  #own = { slot: 0, role: 'both', incarnation: 0, isDead: false }
  #registrations
  #freeSlots = Array.from({ length: slots - 1 }, (_, n) => n + 1)
  #incarnations = 0
  #ready = []
  #live = []
  #dead = []
  #puts = 0
  #takes = 0

  constructor(of, kind, seed) {
    this.#of = of
    this.#kind = kind
    this.#seed = seed
    this.#random = randomOf(seed)
    this.#memory = makeMemory(kind, 1 << 20, 64)
    this.#base = this.#memory.allocate(ledgerWords(slots))
    // Small: it is often full, of items and of bytes, and often empty.
    this.#queue = new queueClasses[of]({ capacity: 8, capacityBytes: 1_200, memory: this.#memory })
    this.#ledger = new Ledger(this.#memory.words, this.#base, slots, 0)
    this.#ledger.begin(0, 0)
  }

  async begin(perRole, ahead) {
    this.#registrations = [this.#queue.registerProducer(), this.#queue.registerConsumer()]
    for (let n = 0; n < 2 * perRole; n++) this.#prepare(n % 2 === 0 ? 'producer' : 'consumer')
    for (let n = 0; n < 2 * perRole; n++) await this.#start()
    for (let n = 0; n < ahead; n++) this.#prepare()
  }

  #prepare(role) {
    const slot = this.#freeSlots.shift()
    const incarnation = ++this.#incarnations
    const isMortal = this.#random(3) > 0
    this.#ledger.begin(slot, incarnation)
    const peer = new Peer(this.#kind, './storm-peer.mjs')
    this.#ready.push({ peer, slot, incarnation, isMortal, role, isDead: false })
  }

  /** The next one that is ready begins, in a role that one is missing in. */
  async #start(role) {
    const one = this.#ready.shift()
    one.role ??= role
    const { peer, slot, isMortal } = one
    peer.send({
      memory: this.#memory.toHandle(),
      handle: this.#queue.toHandle(),
      base: this.#base,
      slots,
      slot,
      isMortal,
      of: this.#of,
      role: one.role,
      seed: this.#random(2 ** 31),
    })
    const answer = await peer.hears()
    if (answer !== 'ready') throw new Error(`a peer did not start: ${answer?.wrong}`)
    peer.send('begin')
    this.#live.push(one)
  }

  async round(round) {
    const random = this.#random
    const [victim] = this.#live.splice(random(this.#live.length), 1)
    const steps = victim.isMortal ? random(random(2) === 0 ? 30 : 90) : undefined
    const how = steps === undefined ? 'at a moment' : 'at a step'
    const when = `seed ${this.#seed}, round ${round}: ${victim.role} ${victim.incarnation} ${how} ${steps ?? ''}`
    Peer.whenReached?.(when)
    for (let turns = random(200); turns > 0; turns--) await setImmediate()
    if (steps !== undefined) {
      this.#ledger.dieAt(victim.slot, steps)
      // It may be asleep, and never come to it.
      await Promise.race([victim.peer.ended, delay(200)])
    }
    const isAtStep = victim.peer.hasEnded
    this.#count(isAtStep ? 'at a step' : 'at a moment')
    victim.peer.kill()
    victim.isDead = true
    this.#dead.push(victim)
    this.#hear(victim, when)
    // Not awaited before: what dies now is a zombie for a while.
    this.#probe(when)
    await victim.peer.ended
    for (const one of this.#live) {
      this.#hear(one, when)
      if (one.peer.hasEnded) this.wrong.push(`${when}: ${one.role} ${one.incarnation} has ended by itself`)
    }
    await this.#start(victim.role)
    this.#prepare()
    if (round % auditEvery === auditEvery - 1) await this.#audit(when)
  }

  #count(what) {
    this.counts[what] = (this.counts[what] ?? 0) + 1
  }

  #hear({ peer, role, incarnation }, when) {
    for (const { wrong } of peer.takeHeard()) this.wrong.push(`${when}: ${role} ${incarnation}: ${wrong}`)
  }

  /** Puts one and gets one. */
  #probe(when) {
    const begun = performance.now()
    try {
      this.#queue.putSync(this.#ledger.nextItems(1)[0], { timeout: longestMs })
      this.#ledger.accepted(1)
      const item = this.#queue.getSync({ timeout: longestMs })
      const took = performance.now() - begun
      this.outages.push(took)
      if (took > longestMs) this.wrong.push(`${when}: the queue was out of use for ${took.toFixed(0)} ms`)
      const wrong = this.#ledger.got([item])
      if (wrong) this.wrong.push(`${when}: ${wrong}`)
      this.#queue.taskDone()
    } catch (error) {
      this.wrong.push(`${when}: ${error.stack}; ${JSON.stringify(this.#queue.getStats())}`)
    }
  }

  async #audit(when) {
    this.#ledger.pause(true)
    const producers = this.#live.filter(({ role }) => role === 'producer')
    const limit = performance.now() + patienceMs
    for (const { slot, incarnation } of producers)
      while (!this.#ledger.isIdle(slot)) {
        await delay(1)
        if (performance.now() < limit) continue
        this.wrong.push(`${when}: producer ${incarnation} hangs; ${JSON.stringify(this.#queue.getStats())}`)
        return
      }
    try {
      // All that the living have got is noted.
      await this.#queue.join({ timeout: patienceMs })
    } catch (error) {
      this.wrong.push(`${when}: join: ${error.message}; ${JSON.stringify(this.#queue.getStats())}`)
      return
    }
    const { size, unfinished, putCount, getCount } = this.#queue.getStats()
    if (size !== 0 || unfinished !== 0) this.wrong.push(`${when}: ${size} inside, ${unfinished} unfinished after join`)
    const all = [this.#own, ...this.#live, ...this.#dead]
    const { wrong, lost, delivered } = this.#ledger.audit({
      puts: putCount - this.#puts,
      takes: getCount - this.#takes,
      producers: all.filter(({ role }) => role !== 'consumer'),
      consumers: all.filter(({ role }) => role === 'consumer'),
    })
    for (const each of wrong) this.wrong.push(`${when}: ${each}`)
    this.counts.items += delivered
    this.counts['died with items'] += lost
    this.#puts = putCount
    this.#takes = getCount
    this.#freeSlots.push(...this.#dead.splice(0).map(({ slot }) => slot))
    this.#ledger.pause(false)
  }

  /** All others die at once: whoever waits for them is told so. */
  async end() {
    const when = `seed ${this.#seed}, the end`
    await this.#audit(when)
    await this.clear(true)
    while (this.#queue.tryGetMany(100).length > 0);
    for (const registration of this.#registrations) registration.unregister()
    for (const call of [() => this.#queue.tryGet(), () => this.#queue.getSync({ timeout: longestMs })])
      try {
        call()
        this.wrong.push(`${when}: nobody has said that all producers are dead`)
      } catch (error) {
        if (error.code !== 'ERR_PEER_GONE') this.wrong.push(`${when}: ${error.stack}`)
      }
    const { size, unfinished, closed } = this.#queue.getStats()
    // What this one has just taken is not done.
    if (size !== 0 || closed) this.wrong.push(`${when}: size ${size}, unfinished ${unfinished}, closed ${closed}`)
  }

  async clear(keepMemory = false) {
    const peers = [...this.#ready.splice(0), ...this.#live.splice(0)]
    await Promise.all(peers.map(({ peer }) => peer.end()))
    if (!keepMemory && this.#kind === 'process') this.#memory.close()
  }
}
