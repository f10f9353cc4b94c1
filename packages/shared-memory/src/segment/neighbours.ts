import {
  BroadcastChannel,
  getEnvironmentData,
  isMainThread,
  type MessagePort,
  receiveMessageOnPort,
  setEnvironmentData,
} from 'node:worker_threads'

/**
 * How the threads of one process share a mapping, so that a worker needs not make its own: for that it would have to load
 * native code, and a worker that is terminated while it does takes the process with it.
 *
 * A worker finds what was open when it was started in its environment data; what was opened since, it asks the others for.
 */
const name = 'heddle.segments'

interface Wanted {
  readonly wanted: string
}

interface Offered {
  readonly offered: string
  readonly buffer: SharedArrayBuffer
}

const own = new Map<string, SharedArrayBuffer>()
/** What this thread was started with; its own workers get it, too. */
const inherited = (getEnvironmentData(name) ?? new Map()) as unknown as ReadonlyMap<string, SharedArrayBuffer>
let channel: BroadcastChannel | undefined

/** How long a worker waits for an answer of a thread whose event loop may be busy. */
const patienceMs = 200
const lookMs = 1

/** From now on this thread's neighbours can have the mapping. Does not keep the process alive. */
export function offer(identity: string, buffer: SharedArrayBuffer): void {
  own.set(identity, buffer)
  setEnvironmentData(name, new Map([...inherited, ...own]))
  if (channel) return
  channel = new BroadcastChannel(name)
  channel.unref()
  channel.onmessage = (message: unknown) => {
    const { wanted } = (message as { data: Partial<Wanted> }).data
    const found = wanted === undefined ? undefined : own.get(wanted)
    if (found) channel?.postMessage({ offered: wanted, buffer: found })
  }
}

export function withdraw(identity: string): void {
  own.delete(identity)
  setEnvironmentData(name, new Map([...inherited, ...own]))
  if (own.size > 0) return
  channel?.close()
  channel = undefined
}

/** The mapping of another thread of this process. Blocks a worker for a moment when it has to ask. */
export function findNeighbours(identity: string): SharedArrayBuffer | undefined {
  if (isMainThread) return undefined
  return inherited.get(identity) ?? ask(identity)
}

function ask(identity: string): SharedArrayBuffer | undefined {
  const asking = new BroadcastChannel(name)
  try {
    asking.unref()
    asking.postMessage({ wanted: identity } satisfies Wanted)
    const end = performance.now() + patienceMs
    const pause = new Int32Array(new SharedArrayBuffer(4))
    while (performance.now() < end) {
      const answer = receiveMessageOnPort(asking as unknown as MessagePort)?.message as Partial<Offered> | undefined
      if (answer?.offered === identity) return answer.buffer
      if (answer === undefined) Atomics.wait(pause, 0, 0, lookMs)
    }
    return undefined
  } finally {
    asking.close()
  }
}
