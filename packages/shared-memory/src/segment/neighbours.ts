import {
  BroadcastChannel,
  getEnvironmentData,
  isMainThread,
  type MessagePort,
  receiveMessageOnPort,
  setEnvironmentData,
} from 'node:worker_threads'
import { MAGIC, magic } from './layout.js'

/**
 * How worker threads get the mapping of their main thread, so that none needs to make its own: for that it would have to load
 * native code, and a worker that is terminated while it does takes the process with it.
 *
 * A worker finds what was open when it was started in its environment data; what was opened since, it asks the main thread for.
 * Only that one offers what it has: it lives as long as the process, and so does the byte of the file by which others know that
 * the mapping is in use.
 */
const name = 'heddle.segments'

/** A mapping, and the participant that has made it. */
export interface Neighbour {
  readonly buffer: SharedArrayBuffer
  readonly home: number
}

interface Wanted {
  readonly wanted: string
}

type Offered = Neighbour & { readonly offered: string }

const own = new Map<string, Neighbour>()
/** What this thread was started with; its own workers get it, too. */
const inherited = (getEnvironmentData(name) ?? new Map()) as unknown as ReadonlyMap<string, Neighbour>
let channel: BroadcastChannel | undefined

/** How long a worker waits for an answer of a main thread whose event loop may be busy. */
const patienceMs = 200
const lookMs = 1

/** From now on the workers of this process can have the mapping. Does not keep the process alive. */
export function offer(identity: string, neighbour: Neighbour): void {
  if (!isMainThread) return
  own.set(identity, neighbour)
  setEnvironmentData(name, new Map(own))
  if (channel) return
  channel = new BroadcastChannel(name)
  channel.unref()
  channel.onmessage = (message: unknown) => {
    const { wanted } = (message as { data: Partial<Wanted> }).data
    const found = wanted === undefined ? undefined : own.get(wanted)
    if (found) channel?.postMessage({ offered: wanted, ...found })
  }
}

export function withdraw(identity: string): void {
  if (!own.delete(identity)) return
  setEnvironmentData(name, new Map(own))
  if (own.size > 0) return
  channel?.close()
  channel = undefined
}

/** The mapping of the main thread. Blocks a worker for a moment when it has to ask. */
export function findNeighbour(identity: string): Neighbour | undefined {
  if (isMainThread) return undefined
  const known = inherited.get(identity)
  // It may have closed it since, and opened it again.
  return known && new Int32Array(known.buffer)[MAGIC] === magic ? known : ask(identity)
}

function ask(identity: string): Neighbour | undefined {
  const asking = new BroadcastChannel(name)
  try {
    asking.unref()
    asking.postMessage({ wanted: identity } satisfies Wanted)
    const end = performance.now() + patienceMs
    const pause = new Int32Array(new SharedArrayBuffer(4))
    while (performance.now() < end) {
      const answer = receiveMessageOnPort(asking as unknown as MessagePort)?.message as Partial<Offered> | undefined
      if (answer?.offered === identity) return answer as Offered
      if (answer === undefined) Atomics.wait(pause, 0, 0, lookMs)
    }
    return undefined
  } finally {
    asking.close()
  }
}
