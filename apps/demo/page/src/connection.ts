import type { Hello, Snapshot } from '@heddle/demo/serve/protocol.js'
import { EventReader, type ServerEvent } from './event-reader.js'

/** After so long without a word the server is taken for lost: it speaks once a second at least. */
const silenceMs = 3_000
const retryMs = [500, 1_000, 2_000, 4_000] as const

/**
 * Why nothing comes. `cut`: nobody answers; `full`: the server has given all the streams that it has to other pages; `expired`:
 * the server does not know this page's address, for it was started anew. What has expired is not tried again.
 */
export type Loss = 'cut' | 'full' | 'expired'

export interface ConnectionListener {
  hello(hello: Hello): void
  snapshot(snapshot: Snapshot): void
  /** Called once for each time that it goes, and when there is another reason; not for each failed attempt. */
  lost(loss: Loss): void
}

/**
 * The stream of events, which comes back by itself. It is no EventSource, for that tells nothing of why it was refused, and does
 * not notice a server that has fallen silent.
 *
 * **Invariant:** while it is open #timer is set: a stream that brings nothing, not even an answer, is given up in time.
 */
export class Connection {
  readonly #listener: ConnectionListener
  #stream: AbortController | undefined
  #loss: Loss | undefined
  #attempt = 0
  #timer: number | undefined

  constructor(listener: ConnectionListener) {
    this.#listener = listener
    // A page that was put away has no timers worth the name: look at once when it is back.
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.#loss !== undefined) this.open()
    })
    window.addEventListener('online', () => this.open())
    window.addEventListener('pagehide', () => this.#close())
    window.addEventListener('pageshow', ({ persisted }) => {
      if (persisted) this.open()
    })
  }

  /** Connects, anew if need be; never again when the address has expired. */
  open(): void {
    this.#close()
    if (this.#loss === 'expired') return
    const stream = new AbortController()
    this.#stream = stream
    this.#watch(stream)
    void this.#read(stream)
  }

  async #read(stream: AbortController): Promise<void> {
    const { signal } = stream
    const response = await fetch('events', { cache: 'no-store', signal }).catch(() => undefined)
    if (!response?.ok || response.body === null) {
      this.#lose(stream, response?.status === 403 ? 'expired' : response?.status === 503 ? 'full' : 'cut')
      return
    }
    const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader()
    const events = new EventReader()
    for (;;) {
      const piece = await pieces.read().catch(() => undefined)
      if (stream !== this.#stream) return
      if (piece?.value === undefined) break
      this.#watch(stream)
      for (const event of events.take(piece.value)) this.#hear(event)
    }
    this.#lose(stream, 'cut')
  }

  #hear({ name, data }: ServerEvent): void {
    if (name === 'hello') {
      this.#attempt = 0
      this.#loss = undefined
      this.#listener.hello(JSON.parse(data) as Hello)
    } else if (name === 'snapshot') this.#listener.snapshot(JSON.parse(data) as Snapshot)
  }

  #watch(stream: AbortController): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#lose(stream, 'cut'), silenceMs)
  }

  #lose(stream: AbortController, loss: Loss): void {
    if (stream !== this.#stream) return
    this.#close()
    if (this.#loss !== loss) {
      this.#loss = loss
      this.#listener.lost(loss)
    }
    const delay = retryMs[Math.min(this.#attempt++, retryMs.length - 1)]
    this.#timer = setTimeout(() => this.open(), delay)
  }

  #close(): void {
    clearTimeout(this.#timer)
    this.#stream?.abort()
    this.#stream = undefined
  }
}
