import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Segment } from '@heddle/shared-memory'
import { randomOf } from './random.mjs'
import {
  APPENDED,
  cacheSize,
  cellOf,
  handlesOf,
  isText,
  ledgerWords,
  makeObjects,
  mutexes,
  operations,
  POPPED,
  SUMMED,
  sums,
} from './storm-objects.mjs'

const program = fileURLToPath(new URL('./storm-victim.mjs', import.meta.url))
const names = Object.keys(operations)
/** The longest that an object may be out of use after a death, in milliseconds. */
const longestMs = 1_000
/** Victims that are made ready while others die. */
const ahead = 3

/**
 * Kills `rounds` processes in the middle of operations on objects that they share with this one, and looks each time whether
 * all of them can be used at once, and hold what they must. Every third victim is killed at a random moment, the others at a
 * step of an operation; every fourth of these works on what the one before has just left, so that cleaners die, too.
 * Every 25th is stopped instead, while it holds a lock.
 *
 * @returns what was wrong, and how long objects were out of use, in milliseconds, sorted
 */
export async function killStorm({ rounds, seed }) {
  const random = randomOf(seed)
  const segment = Segment.create({ size: 8 << 20 })
  const objects = makeObjects(segment)
  const base = segment.allocate(ledgerWords + 2 * mutexes)
  segment.words[base + ledgerWords - 1] = 1
  const storm = { segment, objects, base, words: segment.words, wrong: [], outages: [], counts: {}, deaths: 0 }
  const start = () => new Victim({ segment: segment.toHandle(), handles: handlesOf(objects), base })
  const ready = Array.from({ length: ahead }, start)
  let usedAfterWarmUp = 0
  try {
    for (let round = 0; round < rounds; round++) {
      const victim = ready.shift()
      ready.push(start())
      const what = plan(round, random)
      count(storm, what.mode)
      if (what.mode === 'stop') await stopped(storm, victim, what, round)
      else {
        await victim.die(what, random)
        storm.deaths += 1
        // A cleaner that dies: nobody but the next victim has looked at what this one has left.
        if (what.thenCleaner) count(storm, 'left to a cleaner')
        else look(storm, `round ${round} ${JSON.stringify(what)}`)
      }
      if (round === Math.min(100, rounds >> 1)) usedAfterWarmUp = segment.stats().usedBytes
      if (storm.wrong.length > 20) break
    }
    look(storm, 'the end')
    const { usedBytes } = segment.stats()
    if (usedBytes > 2 * usedAfterWarmUp + 65_536)
      storm.wrong.push(`areas were lost: ${usedAfterWarmUp} bytes were used early, ${usedBytes} at the end`)
  } finally {
    await Promise.all(ready.map((victim) => victim.end()))
    segment.close()
  }
  return { wrong: storm.wrong, counts: storm.counts, outages: storm.outages.sort((one, other) => one - other) }
}

function count({ counts }, what) {
  counts[what] = (counts[what] ?? 0) + 1
}

function plan(round, random) {
  const seed = random(2 ** 31)
  if (round % 25 === 24) return { mode: 'stop', step: random(mutexes), seed }
  const operation = names[random(names.length)]
  if (round % 3 === 0) return { mode: 'moment', operation, seed }
  return { mode: 'point', operation, step: random(random(2) === 0 ? 12 : 60), seed, thenCleaner: round % 4 === 1 }
}

class Victim {
  #child
  #ended
  #ready

  constructor(work) {
    this.#child = fork(program, { serialization: 'json' })
    this.#ended = once(this.#child, 'exit')
    this.#child.send(work)
    this.#ready = this.hears()
  }

  get pid() {
    return this.#child.pid
  }

  async hears() {
    const [message] = await Promise.race([once(this.#child, 'message'), this.#ended.then(() => ['ended'])])
    return message
  }

  async begin(what) {
    if ((await this.#ready) !== 'ready') throw new Error('a victim did not start')
    const answer = this.hears()
    this.#child.send(what)
    return await answer
  }

  /** Until the kernel has it dead; this process has not collected it yet when it is a zombie. */
  async die(what, random) {
    await this.begin(what)
    if (what.mode === 'moment') {
      const turns = random(200)
      for (let n = 0; n < turns; n++) await new Promise(setImmediate)
      this.signal('SIGKILL')
      // Not awaited: who looks blocks this event loop, and finds a zombie.
      return
    }
    await this.#ended
  }

  signal(name) {
    if (this.#child.exitCode === null && this.#child.signalCode === null) process.kill(this.#child.pid, name)
  }

  async end() {
    this.signal('SIGKILL')
    await this.#ended
  }
}

/** Uses every object once, and looks at what they hold. */
function look(storm, when) {
  const { objects, words, base, wrong } = storm
  const begun = performance.now()
  try {
    for (let mutex = 0; mutex < mutexes; mutex++) {
      const guard = objects.locks[mutex].acquireSync({ timeout: longestMs })
      const cell = base + cellOf(mutex)
      if (guard.ownerDied) words[cell + 1] = words[cell]
      guard.markConsistent()
      if (words[cell] !== words[cell + 1]) wrong.push(`${when}: mutex ${mutex} was left half done, and nobody was told`)
      guard.release()
    }
    objects.dict.set('probe', 1)
    objects.list.append('0:')
    objects.list.pop()
    objects.cache.put('probe', { key: -1, text: '0:' })
    const took = performance.now() - begun
    storm.outages.push(took)
    if (took > longestMs) wrong.push(`${when}: not all objects could be used within ${took.toFixed(0)} ms`)
    checkContents(storm, when)
  } catch (error) {
    wrong.push(`${when}: ${error.stack}`)
  }
}

function checkContents(storm, when) {
  const { objects, words, base, wrong, deaths } = storm
  // Each of the dead may have done one thing that it could not note any more.
  storm.deaths = 0
  let sum = 0
  for (let n = 0; n < sums; n++) sum += objects.dict.get(`sum ${n}`) ?? 0
  const noted = words[base + SUMMED]
  if (sum < noted || sum > noted + deaths) wrong.push(`${when}: the sums are ${sum}, and ${noted} were noted`)
  words[base + SUMMED] = sum
  let entries = 0
  for (const [key, value] of objects.dict) {
    entries += 1
    if (String(key).startsWith('text') && !isText(value))
      wrong.push(`${when}: ${key} holds ${String(value).slice(0, 40)}`)
  }
  if (entries !== objects.dict.size) wrong.push(`${when}: ${entries} entries, and a size of ${objects.dict.size}`)
  const { length } = objects.list
  const expected = words[base + APPENDED] - words[base + POPPED]
  if (Math.abs(length - expected) > deaths) wrong.push(`${when}: ${length} elements, and ${expected} were noted`)
  words[base + APPENDED] = words[base + POPPED] + length
  for (const value of objects.list)
    if (!isText(value)) wrong.push(`${when}: the list holds ${String(value).slice(0, 40)}`)
  if (objects.cache.size() > cacheSize) wrong.push(`${when}: the cache holds ${objects.cache.size()} entries`)
  for (let key = 0; key < 40; key++) {
    const value = objects.cache.get(`cached ${key}`)
    if (value !== undefined && (value.key !== key || !isText(value.text)))
      wrong.push(`${when}: cached ${key} is not its own`)
  }
}

/** A stopped owner is slow, not dead: nobody may have its lock. */
async function stopped({ objects, wrong }, victim, what, round) {
  const holding = await victim.begin(what)
  if (holding !== 'holding') wrong.push(`round ${round}: the victim came to ${holding}`)
  const released = victim.hears()
  await untilStopped(victim.pid)
  let robbed = true
  try {
    objects.locks[what.step].acquireSync({ timeout: 60 }).release()
  } catch (error) {
    robbed = error.code !== 'ERR_TIMEOUT'
  }
  if (robbed) wrong.push(`round ${round}: a stopped process was robbed of its lock`)
  victim.signal('SIGCONT')
  if ((await released) !== 'released') wrong.push(`round ${round}: the stopped process did not go on`)
  const guard = objects.locks[what.step].acquireSync({ timeout: longestMs })
  if (guard.ownerDied) wrong.push(`round ${round}: a stopped process was taken for dead`)
  guard.markConsistent()
  guard.release()
  await victim.end()
}

async function untilStopped(pid) {
  const { readFileSync } = await import('node:fs')
  const end = performance.now() + 10_000
  while (performance.now() < end) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    if (stat.slice(stat.lastIndexOf(')') + 2).startsWith('T')) return
    await new Promise(setImmediate)
  }
  throw new Error('the victim did not stop')
}
