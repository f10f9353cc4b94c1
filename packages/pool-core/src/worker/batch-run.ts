import { type Boundary, decodeValue, type Encoded, encodeThrown, encodeValue } from '@heddle/codec'
import { heldGuards } from '../platform/thread-hooks.js'
import type { BatchFailure, BatchMessage } from '../protocol.js'
import { claim } from '../slots/claim-words.js'
import type { TaskFunction } from '../tasks/define-task.js'
import { enterContext } from '../tasks/task-context.js'
import { transferListOf } from '../tasks/with-transfer.js'
import { BatchContext } from './batch-context.js'
import { leaked, refuseGenerator } from './outcome.js'
import { isThenable } from './thenable.js'
import { whenWritten } from './when-written.js'
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
  #encoded: BatchFailure[] | undefined
  #context: BatchContext | undefined
  #flushing: NodeJS.Immediate | undefined
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
    enterContext(this.#contextOfRun)
  }

  /** Runs items until one has to be awaited, or all are done. */
  run(): void {
    const items = this.#items
    const fn = this.#fn
    const { spread, id } = this.#message
    const words = this.#words
    while (this.#next < items.length && !this.#retire) {
      if (words && !claim(words, id, this.#next)) break
      let result: unknown
      try {
        const item = isolated(items[this.#next], spread)
        this.#context = undefined
        result = spread ? fn(...(item as unknown[])) : fn(item)
        if (isThenable(result)) {
          // What is done does not wait for it, unless it has settled before the event loop comes round.
          this.#flushing ??= setImmediate(this.#flushLate)
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
    if (typeof value === 'object' || typeof value === 'function' || typeof value === 'symbol') {
      this.#keepCopy(value)
      return
    }
    if (this.#numbers) {
      if (typeof value === 'number') this.#numbers[this.#next] = value
      else {
        this.#unpack()
        this.#values.push(value)
      }
    } else this.#values.push(value)
    this.#settled()
  }

  /** As it is now: the task may use the same object for the next result. What cannot be sent is this run's failure. */
  #keepCopy(value: unknown): void {
    try {
      refuseGenerator(value)
      const encoded = encodeValue(value, this.#boundary)
      const transfer = transferListOf(value)
      // What has parts of its own to be revived is a copy already.
      const copy = encoded.specials ? encoded.value : structuredClone(encoded.value, { transfer: transfer as never })
      this.#unpack()
      this.#values.push(copy)
      if (encoded.specials) {
        this.#encoded ??= []
        this.#encoded.push([this.#next, encoded])
      }
    } catch (error) {
      this.#addError(encodeThrown(error, this.#boundary))
      return
    }
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

  /** One for each run that asks: a task may keep it. */
  readonly #contextOfRun = (): BatchContext => {
    const { id, names, attempt } = this.#message
    this.#context ??= new BatchContext(names?.[this.#next], attempt, this.#words, id)
    return this.#context
  }

  /** Nobody waits for that run any longer. */
  abort(id: number, index: number, reason: Encoded): void {
    if (id !== this.#message.id || index !== this.#next) return
    this.#contextOfRun().abort(decodeValue(reason))
  }

  readonly #flushLate = (): void => {
    this.#flushing = undefined
    this.flush()
  }

  /** From the first result on that is no number, they are a list. */
  #unpack(): void {
    if (!this.#numbers) return
    this.#values = Array.from(this.#numbers.subarray(this.#sent, this.#next))
    this.#numbers = undefined
  }

  /** Sends what is done. Also called when the thread is about to end: what has settled is not lost then. */
  flush(): void {
    if (this.#next > this.#sent && !this.#hasEnded) this.#send(false)
  }

  #end(): void {
    if (this.#flushing) clearImmediate(this.#flushing)
    this.#flushing = undefined
    enterContext(undefined)
    whenWritten(() => {
      this.#hasEnded = true
      this.#send(true)
      this.#onEnd(this.#retire)
    })
  }

  #send(last: boolean): void {
    const values = this.#numbers ? this.#numbers.slice(this.#sent, this.#next) : this.#values
    this.#lane.send(
      {
        type: 'batch-done',
        id: this.#message.id,
        from: this.#sent,
        values,
        encoded: this.#encoded,
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
    this.#encoded = undefined
    this.#errors = undefined
    this.#flushedAt = performance.now()
  }
}

/**
 * The argument of one run, or all of them: objects as copies of their own, since two runs may have been given the same one, and
 * what one does to it must not be seen by the other.
 */
function isolated(item: unknown, spread: boolean): unknown {
  if (typeof item !== 'object' || item === null) return item
  if (spread && (item as readonly unknown[]).every(isPrimitive)) return item
  return structuredClone(item)
}

function isPrimitive(value: unknown): boolean {
  return typeof value !== 'object' || value === null
}
