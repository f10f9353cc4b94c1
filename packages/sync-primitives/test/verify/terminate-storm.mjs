// Ends threads at random moments while they use everything, and checks that the others can go on.
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { ThreadMemory, trackWorker } from '@heddle/sync-primitives'
import { randomFrom } from './random.mjs'
import { CRASH, EXIT, exclusive, HELD, MAIN, makeObjects, NOT_HELD, Record, workers } from './storm-objects.mjs'
import { inspect, sweep } from './storm-sweep.mjs'

/** So many rounds share a memory, in which the threads that come take the places of those that have ended. */
const roundsOfMemory = 20
/** Threads that are started before they are needed: a start takes as long as a round. */
const heirs = 2
/** A thread that says nothing for so long hangs, whatever its own limits are; in milliseconds. */
const patienceMs = 20_000

/** One thread, told to take part in one round after the other until it dies. */
class StormThread {
  #worker
  #answers = []
  #waiting
  #isTracked
  exited

  constructor(isTracked) {
    this.#worker = new Worker(new URL('./storm-worker.mjs', import.meta.url))
    this.#isTracked = isTracked
    this.#worker.on('message', (answer) => {
      this.#answers.push(answer)
      this.#waiting?.()
    })
    this.#worker.on('error', () => {}) // one that crashes as it was told to
    this.exited = new Promise((resolve) => {
      this.#worker.once('exit', resolve)
    })
  }

  begin(round) {
    if (this.#isTracked) trackWorker(this.#worker)
    this.#answers = []
    this.#worker.postMessage(round)
  }

  /** The answer number `which` to this round; undefined: there is none in time. */
  async answer(which) {
    const limit = performance.now() + patienceMs
    while (this.#answers.length <= which && performance.now() < limit)
      await Promise.race([
        new Promise((resolve) => (this.#waiting = resolve)),
        this.exited,
        sleep(500, undefined, { ref: false }),
      ])
    return this.#answers[which]
  }

  async terminate() {
    await this.#worker.terminate()
    await this.exited
  }
}

class Storm {
  result = { rounds: 0, hangs: 0, deaths: 0, held: 0, told: 0, toldTwice: 0, untold: 0, intrusions: 0, notes: [] }
  #seed
  #random
  #memory
  #threads
  #heirs

  constructor(seed) {
    this.#seed = seed
    this.#random = randomFrom(seed)
    this.#threads = Array.from({ length: workers }, () => this.#newThread())
    this.#heirs = Array.from({ length: heirs }, () => this.#newThread())
  }

  /** Half of the threads die unannounced: whoever waits for them has to find out. */
  #newThread() {
    return new StormThread(this.#random(2) === 0)
  }

  #nextHeir() {
    this.#heirs.push(this.#newThread())
    return this.#heirs.shift()
  }

  async round(number) {
    if (number % roundsOfMemory === 0) this.#memory = ThreadMemory.create({ participants: 8 })
    const objects = makeObjects(this.#memory, workers)
    const record = new Record()
    const handles = Object.fromEntries(Object.entries(objects).map(([name, object]) => [name, object.toHandle()]))
    const seed = this.#random(2 ** 30)
    for (const [worker, thread] of this.#threads.entries())
      thread.begin({ number: worker, handles, words: record.words, seed })
    const victim = this.#random(workers)
    const heir = this.#nextHeir()
    // Now and then one dies while it opens the objects.
    if (this.#random(8) > 0) await Promise.all(this.#threads.map((thread) => thread.answer(0)))
    await this.#anyTime(12)
    await this.#kill(victim, record)
    await this.#anyTime(4)
    const failures = await this.#comeToRest(objects, record, victim)
    this.#threads[victim] = heir
    if (failures.length === 0) failures.push(...(await inspect(objects)))
    this.#count(number, objects, record, victim, failures)
  }

  async #anyTime(ms) {
    await sleep(this.#random(ms))
    for (const end = performance.now() + this.#random(1000) / 1000; performance.now() < end; );
  }

  async #kill(victim, record) {
    const thread = this.#threads[victim]
    const way = this.#random(10)
    if (way > 6) {
      record.order(victim, way === 9 ? CRASH : EXIT)
      // It may wait for the others and not come to read the order.
      await Promise.race([thread.exited, sleep(20, undefined, { ref: false })])
    } else if (way > 2) {
      // Most deaths would be between two locks otherwise. It may have gone on by the time that the end reaches it.
      const limit = performance.now() + 5
      const holdsOne = () => exclusive.some((name) => record.holdOf(victim, name) === HELD)
      while (!holdsOne() && performance.now() < limit);
    }
    await thread.terminate()
    this.result.deaths += 1
  }

  /** The others and this thread take everything once. @returns what could not be had */
  async #comeToRest(objects, record, victim) {
    record.end()
    objects.barrier.abort()
    const goOn = setInterval(() => objects.barrier.abort(), 10)
    const others = this.#threads.map(async (thread, number) => {
      if (number === victim) return []
      const answer = await thread.answer(1)
      if (answer) return answer.failures
      await thread.terminate()
      this.#threads[number] = this.#nextHeir()
      return [`worker ${number}: does not answer`]
    })
    const own = sweep(objects, record, MAIN, this.#random(2) === 0)
    const failures = (await Promise.all([...others, own])).flat()
    clearInterval(goOn)
    return failures
  }

  #count(number, objects, record, victim, failures) {
    const { result } = this
    const note = (what) => result.notes.push(`seed ${this.#seed}, round ${number}: ${what}`)
    result.rounds += 1
    result.hangs += failures.length
    for (const failure of failures) note(`${failure}${wordsOf(objects[failure.split(':', 1)[0]])}`)
    for (const name of exclusive) {
      const hold = record.holdOf(victim, name)
      const told = record.toldOf(name)
      const tooOften = Math.max(0, told - (hold === NOT_HELD ? 0 : 1))
      const isUntold = hold === HELD && told === 0
      result.held += hold === HELD ? 1 : 0
      result.told += told
      result.toldTwice += tooOften
      result.untold += isUntold ? 1 : 0
      if (tooOften > 0 || isUntold)
        note(`${name}: told ${told} times, its holding was ${hold}${wordsOf(objects[name])}`)
    }
    result.intrusions += record.intrusions
    if (record.intrusions > 0) note(`two were inside at a time: ${record.words.join()}`)
  }

  async end() {
    await Promise.all([...this.#threads, ...this.#heirs].map((thread) => thread.terminate()))
  }
}

function wordsOf(object) {
  if (!object) return ''
  const { buffer, index } = object.toHandle()
  return ` · words ${new Int32Array(buffer).slice(index, index + 16).join(' ')}`
}

/**
 * Plays `rounds` rounds, in each of which one of three threads dies.
 *
 * hangs: objects that nobody could have or use in time; held: locks that the dead surely held; told: guards that said so;
 * toldTwice: those that said so without a reason; untold: holdings that nobody was told of; intrusions: how often somebody
 * came in while another one was inside.
 */
export async function terminateStorm({ rounds, seed, onRound = () => {} }) {
  const storm = new Storm(seed)
  try {
    for (let number = 0; number < rounds; number++) {
      await storm.round(number)
      onRound(storm.result)
    }
  } finally {
    await storm.end()
  }
  return storm.result
}
