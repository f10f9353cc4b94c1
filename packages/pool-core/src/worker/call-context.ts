import { type Boundary, encodeValue } from '@heddle/codec'
import type { CallMessage } from '../protocol.js'
import { isMarkedAborted, markListening } from '../slots/claim-words.js'
import type { TaskContext } from '../tasks/task-context.js'
import type { WorkerLane } from './worker-lane.js'

/** What the task of one call knows and tells. */
export class CallContext implements TaskContext {
  readonly #call: CallMessage
  readonly #lane: WorkerLane
  readonly #words: Int32Array | undefined
  readonly #boundary: Boundary
  #controller: AbortController | undefined
  #abort: { readonly reason: unknown } | undefined
  #isListening = false
  #hasEnded = false

  constructor(call: CallMessage, lane: WorkerLane, words: Int32Array | undefined, boundary: Boundary) {
    this.#call = call
    this.#lane = lane
    this.#words = words
    this.#boundary = boundary
  }

  get id(): string | undefined {
    return this.#call.name
  }

  get attempt(): number {
    return this.#call.attempt
  }

  get signal(): AbortSignal {
    this.#listen()
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#abort) this.#controller.abort(this.#abort.reason)
    }
    return this.#controller.signal
  }

  get isAborted(): boolean {
    this.#listen()
    return this.#abort !== undefined || (this.#words !== undefined && isMarkedAborted(this.#words, this.#call.id))
  }

  /** Bound: a task may take it out of its context. */
  readonly progress = (value: unknown): void => {
    if (!this.#call.tellProgress || this.#hasEnded) return
    this.#lane.send({ type: 'progress', id: this.#call.id, value: encodeValue(value, this.#boundary) })
  }

  /** For the server: nobody waits for the call any longer. */
  abort(reason: unknown): void {
    if (this.#abort) return
    this.#abort = { reason }
    this.#controller?.abort(reason)
  }

  /** For the server: what the task has left behind is not heard any more. */
  end(): void {
    this.#hasEnded = true
  }

  #listen(): void {
    if (this.#isListening || this.#hasEnded) return
    this.#isListening = true
    if (this.#words) markListening(this.#words, this.#call.id)
    this.#lane.send({ type: 'listening', id: this.#call.id })
  }
}
