// The ways a value can take. Plain JavaScript, as everything the tests share.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { decodeValue, encodeThrown, encodeValue, fromBytes, toBytes } from '@heddle/codec'
import { factsOf } from './facts.js'
import { fingerprint } from './fingerprint.js'

function postThrough(encoded) {
  const { port1, port2 } = new MessageChannel()
  port1.postMessage(encoded)
  const { message } = receiveMessageOnPort(port2)
  port1.close()
  return message
}

function route(name, boundary, views, convey) {
  return {
    name,
    boundary,
    views,
    send: async (value) => {
      const back = convey(value)
      return { value: back, seen: fingerprint(back, { views }), facts: factsOf(back) }
    },
  }
}

export const sameThread = [
  route('structuredClone', 'thread', 'together', (value) => decodeValue(structuredClone(encodeValue(value, 'thread')))),
  route('a MessageChannel', 'thread', 'together', (value) => decodeValue(postThrough(encodeValue(value, 'thread')))),
  route('bytes', 'process', 'apart', (value) => fromBytes(toBytes(value))),
]

/** What a thrown value is at the end of the way, without another thread. */
export function catchOf(thrown, boundary = 'thread') {
  return decodeValue(structuredClone(encodeThrown(thrown, boundary)))
}

const fixture = new URL('../fixtures/echo.mjs', import.meta.url)

/** A real other side, in a Node without a test runner. One message at a time. */
export class OtherSide {
  #ask

  constructor(name, boundary, ask, close) {
    this.name = name
    this.boundary = boundary
    this.views = boundary === 'thread' ? 'together' : 'apart'
    this.#ask = ask
    this.close = close
  }

  static worker() {
    const worker = new Worker(fixture)
    const ask = async (message) => {
      worker.postMessage(message)
      const [answer] = await once(worker, 'message')
      return answer
    }
    return new OtherSide('a worker', 'thread', ask, () => worker.terminate())
  }

  static child() {
    const child = fork(fixture, { serialization: 'advanced', execArgv: [] })
    const ask = async (message) => {
      child.send(message)
      const [answer] = await once(child, 'message')
      return answer
    }
    return new OtherSide('a child process', 'process', ask, async () => {
      const exit = once(child, 'exit')
      child.disconnect()
      await exit
    })
  }

  async send(value, call) {
    const { ok, encoded, seen, facts } = await this.#ask({ encoded: encodeValue(value, this.boundary), call })
    const back = decodeValue(encoded)
    if (!ok) throw back
    return { value: back, seen, facts }
  }

  /** Has the value thrown there, and gives what arrives here. */
  async throwThere(value) {
    const { encoded } = await this.#ask({ encoded: encodeValue(value, this.boundary), call: 'throw' })
    return decodeValue(encoded)
  }
}
