import { type Boundary, type Encoded, encodeThrown, encodeValue } from '@heddle/codec'
import { heldGuards } from '../platform/thread-hooks.js'
import type { BatchFailure, BatchMessage } from '../protocol.js'
import { claim } from '../slots/claim-words.js'
import type { TaskFunction } from '../tasks/define-task.js'
import { aloneContext, enterContext } from '../tasks/task-context.js'
import { leaked, returned } from './outcome.js'
import { isThenable } from './thenable.js'
import type { WorkerLane } from './worker-lane.js'

/** Results do not wait for long behind those that come after them: so many milliseconds, then they are sent. */
const flushAfterMs = 2

/** Of the items of a map the clock is looked at once for so many: they are short, and asked for together. */
const itemsBetweenLooks = 64

/**
 * The items of one envelope, one after another.
 *
 * Invariant: results before `#sent` are on their way; those from there up to `#next` are kept here.
 * Invariant: an item begins only when the one before it has settled.
 */
export class BatchRun {
  readonly #message: BatchMessage
  readonly #fn: TaskFunction
  readonly #items: ArrayLike<unknown>
  readonly #lane: WorkerLane
  readonly #words: Int32Array | undefined
  readonly #boundary: Boundary
  readonly #onEnd: (retire: boolean) => void
  readonly #guards = heldGuards()
  #flushedAt = performance.now()
  #numbers: Float64Array | undefined
  #values: unknown[] = []
  #errors: BatchFailure[] | undefined
  #sent = 0
  #next = 0
  #retire = false
  #hasEnded = false

  constructor(
    message: BatchMessage,
    items: ArrayLike<unknown>,
    fn: TaskFunction,
    lane: WorkerLane,
    words: Int32Array | undefined,
    boundary: Boundary,
    onEnd: (retire: boolean) => void,
  ) {
    this.#message = message
    this.#items = items
    this.#fn = fn
    this.#lane = lane
    this.#words = words
    this.#boundary = boundary
    this.#onEnd = onEnd
    this.#numbers = new Float64Array(items.length)
  }

  /** Runs items until one has to be awaited, or all are done. */
  run(): void {
    const items = this.#items
    const fn = this.#fn
    const { spread, id, names, attempt } = this.#message
    const isNamed = names !== undefined || attempt > 1
    const words = this.#words
    while (this.#next < items.length && !this.#retire) {
      if (words && !claim(words, id, this.#next)) break
      let result: unknown
      try {
        if (isNamed) this.#enterContext()
        result = spread ? fn(...(items[this.#next] as unknown[])) : fn(items[this.#next])
        if (isThenable(result)) {
          if (performance.now() - this.#flushedAt > flushAfterMs) this.flush()
          Promise.resolve(result).then(this.#onValue, this.#onError)
          return
        }
      } catch (error) {
        this.#fail(error)
        continue
      }
      this.#put(result)
    }
    this.#end()
  }

  readonly #onValue = (value: unknown): void => {
    this.#put(value)
    this.run()
  }

  readonly #onError = (error: unknown): void => {
    this.#fail(error)
    this.run()
  }

  #put(value: unknown): void {
    if (heldGuards() > this.#guards) this.#leak(true, value)
    else this.#keep(value)
  }

  #keep(value: unknown): void {
    if (this.#numbers) {
      if (typeof value === 'number') this.#numbers[this.#next] = value
      else {
        this.#unpack()
        this.#values.push(value)
      }
    } else this.#values.push(value)
    this.#settled()
  }

  #fail(error: unknown): void {
    if (heldGuards() > this.#guards) this.#leak(false, error)
    else this.#addError(encodeThrown(error, this.#boundary))
  }

  #leak(ok: boolean, value: unknown): void {
    this.#retire = true
    this.#addError(leaked({ ok, value }, this.#boundary).outcome)
  }

  #addError(error: Encoded): void {
    this.#errors ??= []
    this.#errors.push([this.#next, error])
    if (!this.#numbers) this.#values.push(undefined)
    this.#settled()
  }

  #settled(): void {
    this.#next += 1
    if (this.#next === this.#items.length || (this.#message.isChunk && this.#next % itemsBetweenLooks !== 0)) return
    if (performance.now() - this.#flushedAt > flushAfterMs) this.flush()
  }

  /** One for each run: a task may keep it. */
  #enterContext(): void {
    enterContext({ ...aloneContext, id: this.#message.names?.[this.#next], attempt: this.#message.attempt })
  }

  /** From the first result on that is no number, they are a list. */
  #unpack(): void {
    this.#values = Array.from((this.#numbers as Float64Array).subarray(this.#sent, this.#next))
    this.#numbers = undefined
  }

  /** Sends what is done. Also called when the thread is about to end: what has settled is not lost then. */
  flush(): void {
    if (this.#next > this.#sent && !this.#hasEnded) this.#send(false)
  }

  #end(): void {
    this.#hasEnded = true
    enterContext(undefined)
    this.#send(true)
    this.#onEnd(this.#retire)
  }

  #send(last: boolean): void {
    const values = this.#numbers ? this.#numbers.slice(this.#sent, this.#next) : this.#encode()
    this.#lane.send(
      {
        type: 'batch-done',
        id: this.#message.id,
        from: this.#sent,
        values,
        errors: this.#errors,
        count: this.#next,
        last,
        ms: performance.now() - this.#flushedAt,
        retire: this.#retire,
      },
      ArrayBuffer.isView(values) ? [values.buffer] : undefined,
    )
    this.#sent = this.#next
    this.#values = []
    this.#errors = undefined
    this.#flushedAt = performance.now()
  }

  #encode(): Encoded {
    try {
      return encodeValue(this.#values, this.#boundary)
    } catch {
      // One by one: those that cannot be sent fail, and only those.
      const failed = new Set(this.#errors?.map(([index]) => index))
      this.#values.forEach((value, offset) => {
        const index = this.#sent + offset
        if (failed.has(index)) return
        const { ok, outcome } = returned(value, this.#boundary)
        if (ok) return
        this.#errors ??= []
        this.#errors.push([index, outcome])
        this.#values[offset] = undefined
      })
      return encodeValue(this.#values, this.#boundary)
    }
  }
}
