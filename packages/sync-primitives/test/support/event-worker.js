import { Worker } from 'node:worker_threads'
import { afterAll, afterEach } from '@jest/globals'
import { wordsUnder } from './shared-words.js'
import { until } from './until.js'

const busy = new Set()
const idle = []

export class EventWorker {
  #worker = new Worker(new URL('../fixtures/event-worker.mjs', import.meta.url))
  #pending = new Map()
  #lastId = 0
  #exited

  constructor() {
    this.#worker.on('message', ({ id, value, failure }) => {
      const settle = this.#pending.get(id)
      this.#pending.delete(id)
      settle(value, failure)
    })
    // One that a test lets crash; calls that it leaves pending stay so.
    this.#worker.on('error', () => {})
    this.#exited = new Promise((resolve) => this.#worker.once('exit', resolve))
  }

  static async with(objects, options = {}) {
    const worker = idle.pop() ?? new EventWorker()
    busy.add(worker)
    for (const [name, object] of Object.entries(objects))
      await worker.run('open', { name, handle: object.toHandle(), ...options })
    return worker
  }

  get hasPending() {
    return this.#pending.size > 0
  }

  get exited() {
    return this.#exited
  }

  run(operation, parameters = {}) {
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve, reject) => {
      this.#pending.set(id, (value, failure) => {
        if (failure) reject(Object.assign(new Error(failure.message), failure))
        else resolve(value)
      })
      this.#worker.postMessage({ id, operation, ...parameters })
    })
  }

  call(name, method, ...args) {
    return this.run('call', { name, method, args })
  }

  timed(name, method, ...args) {
    return this.run('timed', { name, method, args })
  }

  /** It will serve no other test. */
  forget() {
    busy.delete(this)
  }

  async terminate() {
    this.forget()
    await this.#worker.terminate()
  }
}

export async function sleepersAre(object, count) {
  const { words, state } = wordsUnder(object)
  await until(() => Atomics.notify(words, state) >= count, `${count} threads sleep on it`)
}

export function ticketsOf(semaphore) {
  const { words, state } = wordsUnder(semaphore)
  return Atomics.load(words, state + 3)
}

/** How many records of threads hold a ticket. */
export function waitersOf(semaphore) {
  const { words, state } = wordsUnder(semaphore)
  let waiters = 0
  for (let slot = 0; slot < 8; slot++)
    for (const lane of [0, 1]) if (Atomics.load(words, state + 7 + slot * 8 + 3 + lane) !== 0) waiters += 1
  return waiters
}

// A thread that is through with its test serves the next one.
afterEach(async () => {
  for (const worker of busy) {
    if (worker.hasPending) await worker.terminate()
    else idle.push(worker)
  }
  busy.clear()
})

afterAll(() => Promise.all(idle.map((worker) => worker.terminate())))
