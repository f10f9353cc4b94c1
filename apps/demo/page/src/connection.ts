import type { Action, Hello, Snapshot } from '@heddle/demo/serve/protocol.js'

/** After so long without a word the server is taken for lost: it speaks ten times a second. */
const silenceMs = 3_000
const retryMs = [500, 1_000, 2_000, 4_000] as const

export interface ConnectionListener {
  hello(hello: Hello): void
  snapshot(snapshot: Snapshot): void
  /** Called once for each time that it goes, not for each failed attempt. */
  lost(): void
}

/**
 * The stream of events, which comes back by itself. An EventSource alone is not enough: it gives up for good when an answer is
 * not a stream, and does not notice a server that has fallen silent.
 */
export class Connection {
  readonly #listener: ConnectionListener
  #source: EventSource | undefined
  #isLost = false
  #attempt = 0
  #silence: number | undefined

  constructor(listener: ConnectionListener) {
    this.#listener = listener
    // A page that was put away has no timers worth the name: look at once when it is back.
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.#isLost) this.open()
    })
    window.addEventListener('online', () => this.open())
    window.addEventListener('pagehide', () => this.#close())
    window.addEventListener('pageshow', ({ persisted }) => {
      if (persisted) this.open()
    })
  }

  /** Connects, anew if need be. */
  open(): void {
    this.#close()
    const source = new EventSource('events')
    this.#source = source
    this.#watch(source)
    source.addEventListener('hello', ({ data }) => {
      this.#attempt = 0
      this.#isLost = false
      this.#watch(source)
      this.#listener.hello(JSON.parse(data) as Hello)
    })
    source.addEventListener('snapshot', ({ data }) => {
      this.#watch(source)
      this.#listener.snapshot(JSON.parse(data) as Snapshot)
    })
    source.addEventListener('error', () => this.#retry(source))
  }

  #watch(source: EventSource): void {
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => this.#retry(source), silenceMs)
  }

  #retry(source: EventSource): void {
    if (source !== this.#source) return
    this.#close()
    if (!this.#isLost) {
      this.#isLost = true
      this.#listener.lost()
    }
    const delay = retryMs[Math.min(this.#attempt++, retryMs.length - 1)]
    this.#silence = setTimeout(() => this.open(), delay)
  }

  #close(): void {
    clearTimeout(this.#silence)
    this.#source?.close()
    this.#source = undefined
  }
}

/** Asks the server for something. Answers why it was refused; undefined: it was not. */
export async function send(action: Action): Promise<string | undefined> {
  try {
    const response = await fetch('actions', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(action),
    })
    if (response.ok) return undefined
    const answer = (await response.json()) as { readonly error?: unknown }
    return typeof answer.error === 'string' ? answer.error : `the server answered ${response.status}`
  } catch {
    return 'the server could not be reached'
  }
}
