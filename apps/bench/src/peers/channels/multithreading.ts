import { loadMultithreading, loadPeer } from '../sync/load.js'

/** What a side of its channel is on its way to another thread. */
export type ChannelEnd = readonly unknown[]

interface Result {
  readonly ok: boolean
  readonly value?: unknown
  readonly error?: Error
}

interface Sender {
  blockingSend(value: unknown): Result
}

interface Receiver {
  blockingRecv(): Result
}

/** What it sends its own objects to its own workers with; Node 20 has not what its function `spawn` needs. */
interface Internals {
  readonly serialize: (end: object) => [ChannelEnd, unknown[]]
  readonly deserialize: (end: ChannelEnd) => unknown
}

/**
 * So large that it is never full, however many rounds there are: what is received is a view of its memory, and when the side that
 * sends compacts that, the other side reads something else. Seen with the default of 64 KiB within the first 2,000 messages: an
 * object with a key that it never had. Memory that is not touched costs nothing.
 */
const size = 2 ** 29

/** A channel, whose two ends go to two workers. */
export async function newChannel(capacity: number) {
  const { module, version } = await loadMultithreading()
  const { serialize } = await internals()
  const [sender, receiver] = module.channel<unknown>(capacity, { size })
  return { version, sender: serialize(sender)[0], receiver: serialize(receiver)[0] }
}

export async function openSender(end: ChannelEnd): Promise<(value: unknown) => void> {
  const sender = (await opened(end)) as Sender
  return (value) => {
    const { ok, error } = sender.blockingSend(value)
    if (!ok) throw error
  }
}

export async function openReceiver(end: ChannelEnd): Promise<() => unknown> {
  const receiver = (await opened(end)) as Receiver
  return () => {
    const { ok, value, error } = receiver.blockingRecv()
    if (!ok) throw error
    return value
  }
}

async function opened(end: ChannelEnd): Promise<unknown> {
  await loadMultithreading()
  return (await internals()).deserialize(end)
}

async function internals(): Promise<Internals> {
  const { module } = await loadPeer('multithreading', async () => {
    // A path of its own files, for its package.json exports none of them.
    const path: string = new URL('../lib/shared.js', import.meta.resolve('multithreading')).href
    return (await import(path)) as Internals
  })
  return module
}
