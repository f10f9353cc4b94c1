// Tasks that fail in ways of their own, or that take their worker along.
import { existsSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { gateIsOpen, logBegin } from './gate-side.mjs'

const failure = (message, code) => Object.assign(new Error(message), { code })

const never = () => new Promise(() => {})

const hostile = {
  throws: () => ({
    get trap() {
      throw failure('sprung', 'E_TRAP')
    },
  }),
  exits: () => ({
    get trap() {
      return process.exit(9)
    },
  }),
}

export const faultFunctions = {
  /** Its result runs code of its own when it is sent. */
  hostileResult: (how) => hostile[how](),
  throwInTimer() {
    setTimeout(() => {
      throw failure('thrown in a timer', 'E_TIMER')
    })
    return never()
  },
  rejectUnheard() {
    void Promise.reject(failure('nobody has caught it', 'E_UNHEARD'))
    return never()
  },
  /** Has done its work, and leaves behind a promise that rejects once the gate is open. */
  leaveRejection(dir) {
    void gateIsOpen(dir).then(() => Promise.reject(failure('left behind', 'E_LEFT')))
    return process.pid
  },
  fillMemory() {
    const kept = []
    for (;;) kept.push(Array.from({ length: 100_000 }, () => ({})))
  },
  async flood(bytes) {
    const part = 'x'.repeat(64 * 1024)
    for (let written = 0; written < bytes; written += part.length)
      await new Promise((resolve) => process.stderr.write(part, resolve))
    return 'flooded'
  },
  async say(text) {
    console.log(`out: ${text}`)
    console.error(`err: ${text}`)
    await Promise.all([process.stdout, process.stderr].map((to) => new Promise((resolve) => to.write('', resolve))))
  },
  /** Blocks its thread until the gate is open. */
  block(dir, label) {
    logBegin(dir, label)
    while (existsSync(dir) && !existsSync(`${dir}/open`));
    return label
  },
  /** What belongs to the host and to no task. */
  postToParent(message) {
    if (parentPort) parentPort.postMessage(message)
    else process.send(message)
    return 'posted'
  },
  setUp(dir, word) {
    logBegin(dir, `set up ${word}`)
    globalThis.heddleTestWord = word
  },
  async setUpBadly(dir) {
    logBegin(dir, 'set up badly')
    await Promise.resolve()
    throw failure('no set-up', 'E_SETUP')
  },
  setUpForEver: never,
  /** What the set-up of this worker has left, before anything else ran here. */
  word: () => globalThis.heddleTestWord,
  variable: (name) => process.env[name],
  byteLength: (value) => value.byteLength,
}
