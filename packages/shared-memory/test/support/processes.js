import { fork } from 'node:child_process'
import fs from 'node:fs'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Segment } from '@heddle/shared-memory'
import { afterAll, afterEach } from '@jest/globals'
import { pack, unpack } from '../fixtures/processes/plain.mjs'

const program = new URL('../fixtures/processes/peer.mjs', import.meta.url)

function startProcess() {
  const child = fork(program, { execArgv: [], serialization: 'json' })
  return {
    pid: child.pid,
    port: child,
    send: (message) => child.send(message, () => {}), // to one who has died it does not get
    signal: (name) => child.kill(name),
    end: () => child.kill('SIGKILL'),
  }
}

function startThread() {
  const worker = new Worker(program)
  let failure
  worker.on('error', (error) => {
    failure = error
  })
  return {
    pid: process.pid,
    get why() {
      return `: ${failure?.stack ?? 'terminated'}`
    },
    port: worker,
    send: (message) => worker.postMessage(message),
    signal: () => {
      throw new Error('a thread gets no signals')
    },
    end: () => worker.terminate(),
  }
}

class Peer {
  pid
  ended
  #segment
  #side
  #pending = new Map()
  #lastId = 0

  constructor(segment, side) {
    this.#segment = segment
    this.#side = side
    this.pid = side.pid
    side.port.on('message', ({ id, value, failure }) => {
      const settle = this.#pending.get(id)
      this.#pending.delete(id)
      settle({ value: unpack(value, segment.words), failure })
    })
    this.ended = new Promise((resolve) => {
      side.port.once('exit', (code, signal) => {
        for (const settle of this.#pending.values()) settle({ failure: { message: `it has ended${side.why ?? ''}` } })
        this.#pending.clear()
        resolve(signal ?? code)
      })
    })
  }

  get hasPending() {
    return this.#pending.size > 0
  }

  run(operation, parameters = {}) {
    this.#lastId += 1
    const id = this.#lastId
    const promise = new Promise((resolve, reject) => {
      this.#pending.set(id, ({ value, failure }) => {
        if (failure) reject(Object.assign(new Error(failure.message), failure))
        else resolve(value)
      })
      this.#side.send({ id, operation, parameters: pack(parameters, this.#segment.words) })
    })
    promise.catch(() => {}) // who is killed answers nothing
    return promise
  }

  async open(objects, options) {
    for (const [name, object] of Object.entries(objects))
      await this.run('open', { name, handle: object.toHandle(), options })
    return this
  }

  call(name, method, ...args) {
    return this.run('call', { name, method, args })
  }

  async sleepOn(name, method, mark) {
    Atomics.store(mark, 0, 0)
    const ending = this.run('call', { name, method, args: [], mark })
    // Once it has made its mark it runs until it has nothing to do but to wait.
    await until(() => Atomics.load(mark, 0) === 1 && this.#isAsleep(), `${name} is waited for`)
    return { ending }
  }

  #isAsleep() {
    return fs.readFileSync(`/proc/${this.pid}/stat`, 'utf8').replace(/^.*\) /, '')[0] === 'S'
  }

  outcome(name, method, ...args) {
    return this.run('outcome', { name, method, args })
  }

  guard(name, method) {
    return this.run('guard', { name, method })
  }

  signal(name) {
    this.#side.signal(name)
  }

  async kill() {
    this.#side.end()
    return this.ended
  }
}

export function setUp({ size = 1 << 22, participants = 96 } = {}) {
  const segment = Segment.create({ size, participants })
  const rest = { processes: [], threads: [] }
  const busy = new Map()

  async function start(kind, count, objects, options) {
    const peers = Array.from({ length: count }, () => {
      const peer = rest[kind].pop() ?? new Peer(segment, kind === 'processes' ? startProcess() : startThread())
      busy.set(peer, kind)
      peer.ended.then(() => {
        busy.delete(peer)
        rest[kind] = rest[kind].filter((each) => each !== peer)
      })
      return peer
    })
    await Promise.all(peers.map((peer) => peer.run('join', { segment: segment.toHandle() })))
    await Promise.all(peers.map((peer) => peer.open(objects, options)))
    return peers
  }

  // Who is through with its test serves the next one.
  afterEach(async () => {
    const left = Array.from(busy)
    busy.clear()
    await Promise.all(
      left.map(async ([peer, kind]) => {
        if (peer.hasPending) return peer.kill()
        const hasForgotten = await peer.run('forget').then(
          () => true,
          () => false, // it was killed by the test
        )
        if (hasForgotten) rest[kind].push(peer)
      }),
    )
  })

  afterAll(async () => {
    await Promise.all([...rest.processes, ...rest.threads].map((peer) => peer.kill()))
    segment.close()
  })

  return {
    segment,
    start: (count, objects = {}, options = {}) => start('processes', count, objects, options),
    startThreads: (count, objects = {}, options = {}) => start('threads', count, objects, options),
    words(count) {
      const index = segment.allocate(count)
      if (index < 0) throw new Error('the segment has no room for the words of the test')
      return segment.words.subarray(index, index + count)
    },
  }
}

const patienceMs = 10_000

export async function until(condition, what) {
  const limit = performance.now() + patienceMs
  for (let round = 0; !condition(); round++) {
    if (performance.now() > limit) throw new Error(`never came: ${what}`)
    // The processes need the time more than this loop does.
    if (round < 20) await setImmediate()
    else await sleep(1)
  }
}

/** What the quickest tenth of them did not exceed. */
export const quickest = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 10)]
