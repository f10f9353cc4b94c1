import { fork } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { ThreadMemory } from '@heddle/sync-primitives'
import { afterEach } from '@jest/globals'

const running = new Set()
const program = new URL('../fixtures/topic-peer.mjs', import.meta.url)

export class TopicPeer {
  #pending = new Map()
  #lastId = 0
  #port
  #send
  #end
  #ended

  constructor(port, send, end) {
    running.add(this)
    this.#port = port
    this.#send = send
    this.#end = end
    port.on('message', (reply) => {
      this.#pending.get(reply.id)(reply)
      this.#pending.delete(reply.id)
    })
    port.on('error', (failure) => this.#fail(failure))
    this.#ended = new Promise((resolve) => {
      port.once('exit', () => {
        // Not if the test has ended it: it may have been told to go on for ever.
        if (running.delete(this)) this.#fail({ message: 'it has ended by itself' })
        resolve()
      })
    })
  }

  static thread(topics) {
    const worker = new Worker(program)
    return TopicPeer.#open(
      new TopicPeer(
        worker,
        (message) => worker.postMessage(message),
        () => worker.terminate(),
      ),
      topics,
    )
  }

  static process(topics) {
    const child = fork(program, { execArgv: [], serialization: 'json' })
    return TopicPeer.#open(
      new TopicPeer(
        child,
        (message) => child.send(message, () => {}), // to one who has died it does not get
        () => child.kill('SIGKILL'),
      ),
      topics,
    )
  }

  static async #open(peer, topics) {
    for (const [name, topic] of Object.entries(topics)) await peer.run('open', { name, handle: topic.toHandle() })
    return peer
  }

  run(operation, parameters = {}) {
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve, reject) => {
      this.#pending.set(id, ({ value, failure }) => {
        if (failure) reject(Object.assign(new Error(failure.message), failure))
        else resolve(value)
      })
      this.#send({ id, operation, parameters })
    })
  }

  async kill() {
    running.delete(this)
    this.#end()
    await this.#ended
  }

  #fail(failure) {
    for (const settle of this.#pending.values()) settle({ failure })
    this.#pending.clear()
  }

  stop() {
    this.#port.kill('SIGSTOP')
  }

  goOn() {
    this.#port.kill('SIGCONT')
  }
}

afterEach(() => Promise.all([...running].map((peer) => peer.kill())))

export function wordsOf(topic) {
  const { buffer, index } = topic.toHandle()
  return ThreadMemory.of(buffer).words.subarray(index)
}

export function takeAll(subscription) {
  const messages = []
  for (let next = subscription.tryReceive(); next; next = subscription.tryReceive()) messages.push(next.message)
  return messages
}
