import {
  addAbortCallback,
  holdProcess,
  letProcessGo,
  objectOf,
  removeAbortCallback,
  signalOf,
} from '@heddle/pool-core/building-blocks'
import type { Notices, Unsubscribe } from '../connection/server.js'
import { ClusterError } from '../errors.js'
import { noticeOf } from './dict-notice.js'
import { keyOf } from './dict-options.js'

/** What has happened in a dict. */
export type DictChange =
  | { readonly type: 'set' | 'delete'; readonly key: string; readonly version: bigint }
  /** All entries were deleted. */
  | { readonly type: 'clear'; readonly version: bigint }
  /** Changes may have been missed here: the connection was lost, or nobody has taken them for too long. Read what matters. */
  | { readonly type: 'gap' }

export interface WatchOptions {
  /** Only the changes of this key, and those of all. */
  readonly key?: string | undefined
  /** Ends the watch when it aborts: what waits for the next change rejects with `signal.reason` as given. */
  readonly signal?: AbortSignal | undefined
}

interface Taker {
  readonly resolve: (result: IteratorResult<DictChange, undefined>) => void
  readonly reject: (reason: unknown) => void
}

/** As many changes wait for whoever takes them. */
const mostChanges = 10_000

/**
 * The changes of a dict, in their order. `for await` ends the watch when it is left; so do `return()` and `await using`.
 *
 * One that waits for the next change keeps the process alive; the watch itself does not.
 *
 * Invariant: between two changes that are given none is missing that the watch asked for, unless there is a gap between them.
 */
export class DictWatch implements AsyncIterableIterator<DictChange, undefined>, AsyncDisposable {
  readonly #key: string | undefined
  readonly #signal: AbortSignal | undefined
  #changes: DictChange[] = []
  readonly #takers: Taker[] = []
  #unsubscribe: Unsubscribe | undefined
  /** Of who waits for the beginning. */
  #onEnd: ((error: unknown) => void) | undefined
  #end: { readonly error: unknown } | 'done' | undefined
  readonly #onAbort = () => this.#finish({ error: this.#signal?.reason })

  private constructor(key: string | undefined, signal: AbortSignal | undefined) {
    this.#key = key
    this.#signal = signal
  }

  /** Resolves when the server has it: each later change is seen. */
  static async open(notices: Notices, channel: string, options: WatchOptions | undefined): Promise<DictWatch> {
    const { key, signal } = objectOf('options', options)
    const watch = new DictWatch(key === undefined ? undefined : keyOf(key), signalOf(signal))
    await watch.#begin(notices, channel)
    return watch
  }

  next(): Promise<IteratorResult<DictChange, undefined>> {
    const change = this.#changes.shift()
    if (change) return Promise.resolve({ done: false, value: change })
    if (this.#end === 'done') return Promise.resolve({ done: true, value: undefined })
    if (this.#end) return Promise.reject(this.#end.error)
    holdProcess()
    return new Promise<IteratorResult<DictChange, undefined>>((resolve, reject) => {
      this.#takers.push({ resolve, reject })
    }).finally(letProcessGo)
  }

  return(): Promise<IteratorResult<DictChange, undefined>> {
    this.#finish('done')
    return Promise.resolve({ done: true, value: undefined })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async #begin(notices: Notices, channel: string): Promise<void> {
    const signal = this.#signal
    if (signal?.aborted) throw signal.reason
    if (signal) addAbortCallback(signal, this.#onAbort)
    const listener = {
      // Before it has begun, it may hear what others are told who listen already.
      onMessage: (message: string) => {
        if (this.#unsubscribe) this.#onMessage(message)
      },
      onGap: () => this.#give({ type: 'gap' }),
      onClosed: () => this.#finish({ error: new ClusterError('ERR_SERVER_UNAVAILABLE', 'the cluster was closed') }),
    }
    const subscribing = notices.subscribe(channel, listener)
    subscribing.then(
      (unsubscribe) => {
        this.#unsubscribe = unsubscribe
        if (this.#end) unsubscribe()
      },
      (error: unknown) => this.#finish({ error }),
    )
    const ended = new Promise<never>((_, reject) => {
      this.#onEnd = reject
    })
    await Promise.race([subscribing, ended])
    this.#onEnd = undefined
  }

  #onMessage(message: string): void {
    const notice = noticeOf(message)
    if (!notice) return
    const { type, key, version } = notice
    if (type === 'clear') this.#give({ type, version })
    else if (this.#key === undefined || key === this.#key) this.#give({ type, key, version })
  }

  #give(change: DictChange): void {
    if (this.#end) return
    const taker = this.#takers.shift()
    if (taker) {
      taker.resolve({ done: false, value: change })
    } else if (this.#changes.length < mostChanges) {
      this.#changes.push(change)
    } else {
      // They would be old by the time that they are taken.
      this.#changes = [{ type: 'gap' }]
    }
  }

  #finish(end: { readonly error: unknown } | 'done'): void {
    if (this.#end) return
    this.#end = end
    if (end !== 'done') this.#onEnd?.(end.error)
    this.#changes = []
    this.#unsubscribe?.()
    if (this.#signal) removeAbortCallback(this.#signal, this.#onAbort)
    for (const { resolve, reject } of this.#takers.splice(0))
      if (end === 'done') resolve({ done: true, value: undefined })
      else reject(end.error)
  }
}
