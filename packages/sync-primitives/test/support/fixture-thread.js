import { Worker } from 'node:worker_threads'
import { afterAll, afterEach } from '@jest/globals'

const busy = new Set()
const idle = new Map()

export class FixtureThread {
  #fixture
  #worker
  #ended = false
  #pending = new Map()
  #lastId = 0

  constructor(fixture) {
    this.#fixture = fixture
    this.#worker = new Worker(new URL(`../fixtures/${fixture}`, import.meta.url))
    this.#worker.on('message', (reply) => this.#settle(reply))
    this.#worker.on('error', (failure) => this.#settleAll(failure))
    this.#worker.on('exit', () => {
      this.#ended = true
      this.#settleAll({ name: 'Error', message: 'the thread has ended' })
    })
  }

  static async start(fixture, objects = {}) {
    const thread = idle.get(fixture)?.pop() ?? new FixtureThread(fixture)
    busy.add(thread)
    await thread.run('forget')
    for (const [name, object] of Object.entries(objects)) await thread.run('open', { name, handle: object.toHandle() })
    return thread
  }

  get fixture() {
    return this.#fixture
  }

  get isIdle() {
    return !this.#ended && this.#pending.size === 0
  }

  run(operation, parameters = {}) {
    this.#lastId += 1
    const id = this.#lastId
    const answer = new Promise((resolve, reject) => {
      this.#pending.set(id, ({ value, failure }) => {
        if (failure) reject(Object.assign(new Error(failure.message), failure))
        else resolve(value)
      })
      if (this.#ended) this.#settleAll({ name: 'Error', message: 'the thread has ended' })
      else this.#worker.postMessage({ id, operation, ...parameters })
    })
    // Nobody need look at it; whoever awaits it still sees the failure.
    answer.catch(() => {})
    return answer
  }

  #settleAll(failure) {
    for (const id of this.#pending.keys()) this.#settle({ id, failure })
  }

  #settle(reply) {
    const settle = this.#pending.get(reply.id)
    this.#pending.delete(reply.id)
    settle?.(reply)
  }

  async terminate() {
    busy.delete(this)
    await this.#worker.terminate()
  }
}

// A thread that is through with its test serves the next one.
afterEach(async () => {
  for (const thread of busy) {
    if (thread.isIdle) idle.set(thread.fixture, [...(idle.get(thread.fixture) ?? []), thread])
    else await thread.terminate()
  }
  busy.clear()
})

afterAll(() => Promise.all([...idle.values()].flat().map((thread) => thread.terminate())))
