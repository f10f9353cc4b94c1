import { fork } from 'node:child_process'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { afterAll, afterEach } from '@jest/globals'

const program = new URL('../fixtures/pipe-peer.mjs', import.meta.url)

const running = new Set()
/** Who is through with its test serves the next one: to start one takes longer than most tests. */
const rest = { process: [], thread: [] }

export class PipePeer {
  pid
  child
  ended
  #kind
  #port
  #end
  #send
  #pending = new Map()
  #lastId = 0

  constructor(kind, options) {
    this.#kind = options ? undefined : kind
    if (kind === 'process') {
      const child = fork(program, { execArgv: [], serialization: 'advanced', ...options })
      this.child = child
      this.#port = child
      this.#send = (message) => child.send(message, () => {}) // to one who has died it does not get
      this.#end = () => child.kill('SIGKILL')
      this.pid = child.pid
    } else {
      const worker = new Worker(program)
      worker.on('error', () => {})
      this.#port = worker
      this.#send = (message) => worker.postMessage(message)
      this.#end = () => worker.terminate()
    }
    running.add(this)
    this.#port.on('message', (reply) => {
      this.#pending.get(reply.id)?.(reply)
      this.#pending.delete(reply.id)
    })
    this.ended = new Promise((resolve) => {
      this.#port.once('exit', (code, signal) => {
        running.delete(this)
        if (this.#kind) rest[this.#kind] = rest[this.#kind].filter((each) => each !== this)
        for (const settle of this.#pending.values()) settle({ failure: { message: 'it has ended' } })
        this.#pending.clear()
        resolve(signal ?? code)
      })
    })
  }

  run(operation, parameters = {}) {
    this.#lastId += 1
    const id = this.#lastId
    const promise = new Promise((resolve, reject) => {
      this.#pending.set(id, ({ value, failure }) => {
        if (failure) reject(Object.assign(new Error(failure.message), failure))
        else resolve(value)
      })
      this.#send({ id, operation, parameters })
    })
    promise.catch(() => {}) // who is killed answers nothing
    return promise
  }

  async open(name, end) {
    await this.run('open', { name, handle: end.toHandle() })
    return this
  }

  call(name, method, ...args) {
    return this.run('call', { name, method, args })
  }

  /** After its test. Each is ended by its own number. */
  async rest() {
    running.delete(this)
    if (!this.#kind || this.#pending.size > 0) return this.kill()
    const isWell = await this.run('forget').then(
      () => true,
      () => false,
    )
    if (isWell) rest[this.#kind].push(this)
  }

  signal(name) {
    this.child.kill(name)
  }

  async kill() {
    await this.#end()
    return this.ended
  }
}

export const startProcess = (options) => (options ? undefined : taken('process')) ?? new PipePeer('process', options)
export const startThread = () => taken('thread') ?? new PipePeer('thread')

function taken(kind) {
  const peer = rest[kind].pop()
  if (peer) running.add(peer)
  return peer
}

afterEach(() => Promise.all([...running].map((peer) => peer.rest())))
afterAll(() => Promise.all([...rest.process, ...rest.thread].map((peer) => peer.kill())))

// Of a one-way pipe: its only ring begins 48 words behind the tag.
const RING = 48
const [ITEMS, ROOM, TAIL, HEAD] = [4, 5, 17, 33]

function wordsOf(end, memory) {
  const { index, buffer } = end.toHandle()
  return (memory ? memory.words : new Int32Array(buffer)).subarray(index)
}

export const wordsOfPipe = wordsOf

export function isReceiverAsleep(end, memory) {
  return (Atomics.load(wordsOf(end, memory), RING + ITEMS) & 1) === 1
}

export function isSenderAsleep(end, memory) {
  return (Atomics.load(wordsOf(end, memory), RING + ROOM) & 1) === 1
}

/** Both bits: they may be left from somebody who has gone on. Whoever sleeps at this moment sets its one again. */
export function forgetSleepers(end, memory) {
  for (const word of [ITEMS, ROOM]) Atomics.and(wordsOf(end, memory), RING + word, ~1)
}

export function recordsInside(end, memory) {
  const words = wordsOf(end, memory)
  return Atomics.load(words, RING + TAIL) - Atomics.load(words, RING + HEAD)
}

export function recordsTaken(end, memory) {
  return Atomics.load(wordsOf(end, memory), RING + HEAD)
}

export async function until(condition, what) {
  const limit = performance.now() + 10_000
  for (let round = 0; !condition(); round++) {
    if (performance.now() > limit) throw new Error(`never came: ${what}`)
    if (round < 20) await setImmediate()
    else await sleep(1)
  }
}
