import { type Boundary, decodeValue, encodeThrown } from '@heddle/codec'
import { heldGuards } from '../platform/thread-hooks.js'
import type { BatchMessage, CallMessage, Hello, HelloReply, TaskRef, ToWorker } from '../protocol.js'
import { claim } from '../slots/claim-words.js'
import type { TaskFunction } from '../tasks/define-task.js'
import { enterContext } from '../tasks/task-context.js'
import { transferListOf } from '../tasks/with-transfer.js'
import { BatchRun } from './batch-run.js'
import { CallContext } from './call-context.js'
import { functionOf } from './modules.js'
import { leaked, type Outcome, returned, threw } from './outcome.js'
import { StreamRun } from './stream-run.js'
import { isThenable } from './thenable.js'
import { whenWritten } from './when-written.js'
import type { WorkerLane } from './worker-lane.js'

interface RunningCall {
  readonly message: CallMessage
  readonly context: CallContext
  readonly guards: number
  readonly begun: number
  stream: StreamRun | undefined
}

/**
 * The worker's side: runs what comes over the lane, one envelope after another, and answers to each. Whatever a task does, its
 * errors never take tinypool's own path, which drops names, codes and classes.
 *
 * Invariant: at most one envelope is being run; those that come meanwhile wait in their order.
 */
export class TaskServer {
  readonly #hello: Hello
  readonly #boundary: Boundary
  readonly #lane: WorkerLane
  readonly #tasks = new Map<number, TaskRef>()
  readonly #functions = new Map<number, TaskFunction>()
  readonly #waiting: (CallMessage | BatchMessage)[] = []
  #isBusy = false
  /** A task has left a lock behind: this thread runs nothing more. */
  #isRetired = false
  #call: RunningCall | undefined
  #batch: BatchRun | undefined

  constructor(hello: Hello, boundary: Boundary, lane: WorkerLane) {
    this.#hello = hello
    this.#boundary = boundary
    this.#lane = lane
  }

  /** For a thread or process that is the worker's own: tells the pool what it dies of, and what it has done until then. */
  watchEnd(): void {
    process.on('uncaughtExceptionMonitor', (error) =>
      this.#lane.send({ type: 'uncaught', error: encodeThrown(error, this.#boundary) }),
    )
    process.on('exit', () => this.#batch?.flush())
  }

  /** Runs the initializer; then the worker can serve. Never rejects. */
  async start(identity: { readonly pid?: number; readonly threadId?: number }): Promise<HelloReply> {
    const { initializer } = this.#hello
    if (initializer)
      try {
        const fn = await functionOf(initializer.task)
        await fn(...(decodeValue(initializer.args) as unknown[]))
      } catch (error) {
        return { ok: false, error: encodeThrown(error, this.#boundary) }
      }
    return { ok: true, pid: identity.pid, threadId: identity.threadId }
  }

  receive(message: ToWorker): void {
    switch (message.type) {
      case 'task':
        this.#tasks.set(message.ref, message.task)
        break
      case 'forget':
        this.#tasks.delete(message.ref)
        this.#functions.delete(message.ref)
        break
      case 'call':
      case 'batch':
        if (this.#isBusy) this.#waiting.push(message)
        else this.#begin(message)
        break
      case 'abort':
        this.#batch?.abort(message.id, message.index, message.reason)
        if (this.#call?.message.id !== message.id) break
        this.#call.context.abort(decodeValue(message.reason))
        this.#call.stream?.abort()
        break
      case 'credit':
        if (this.#call?.message.id === message.id) this.#call.stream?.addCredits(message.count)
        break
    }
  }

  #begin(message: CallMessage | BatchMessage): void {
    this.#isBusy = true
    const known = this.#functions.get(message.ref)
    if (known) this.#run(message, known)
    else void this.#loadAndRun(message)
  }

  /** A task that could not be loaded is looked for again at its next call. */
  async #loadAndRun(message: CallMessage | BatchMessage): Promise<void> {
    let fn: TaskFunction
    try {
      fn = await functionOf(this.#tasks.get(message.ref) as TaskRef)
      this.#functions.set(message.ref, fn)
    } catch (error) {
      fn = () => {
        throw error
      }
    }
    this.#run(message, fn)
  }

  #run(message: CallMessage | BatchMessage, fn: TaskFunction): void {
    if (message.type === 'call') this.#runCall(message, fn)
    else this.#runBatch(message, fn)
  }

  #runCall(message: CallMessage, fn: TaskFunction): void {
    const { words } = this.#hello
    if (words && !claim(words, message.id, 0)) {
      this.#lane.send({ type: 'skipped', id: message.id })
      this.#finish()
      return
    }
    const context = new CallContext(message, this.#lane, words, this.#boundary)
    if (message.tellStart) this.#lane.send({ type: 'started', id: message.id })
    const call: RunningCall = { message, context, guards: heldGuards(), begun: performance.now(), stream: undefined }
    this.#call = call
    enterContext(() => context)
    try {
      const result: unknown = fn(...(decodeValue(message.args) as unknown[]))
      if (message.credits !== undefined) void this.#stream(call, result, message.credits)
      else if (isThenable(result))
        Promise.resolve(result).then(
          (value) => this.#end(call, true, value),
          (error: unknown) => this.#end(call, false, error),
        )
      else this.#end(call, true, result)
    } catch (error) {
      this.#end(call, false, error)
    }
  }

  async #stream(call: RunningCall, result: unknown, credits: number): Promise<void> {
    try {
      const iterable = isThenable(result) ? await result : result
      call.stream = new StreamRun(call.message.id, iterable, credits, this.#lane, this.#boundary)
      // Nobody reads what a generator returns.
      await call.stream.run()
      this.#end(call, true, undefined)
    } catch (error) {
      this.#end(call, false, error)
    }
  }

  #end(call: RunningCall, ok: boolean, value: unknown): void {
    const ms = performance.now() - call.begun
    enterContext(undefined)
    call.context.end()
    this.#call = undefined
    const retire = heldGuards() > call.guards
    const outcome = retire
      ? leaked({ ok, value }, this.#boundary)
      : ok
        ? returned(value, this.#boundary)
        : threw(value, this.#boundary)
    whenWritten(() => {
      this.#answer(call.message.id, outcome, ms, retire, outcome.ok ? transferListOf(value) : undefined)
      this.#finish(retire)
    })
  }

  #answer(
    id: number,
    { ok, outcome }: Outcome,
    ms: number,
    retire: boolean,
    transfer: ReturnType<typeof transferListOf>,
  ): void {
    try {
      this.#lane.send({ type: 'done', id, ok, outcome, ms, retire }, transfer)
    } catch (error) {
      // The transfer list does not fit, or a class has kept its secret from the look at the value.
      this.#lane.send({ type: 'done', id, ...threw(error, this.#boundary), ms, retire })
    }
  }

  #runBatch(message: BatchMessage, fn: TaskFunction): void {
    let run = fn
    let items: ArrayLike<unknown>
    if (ArrayBuffer.isView(message.items)) items = message.items
    else
      try {
        items = decodeValue(message.items) as unknown[]
      } catch (error) {
        // Which of them cannot be opened is not known: none is run.
        items = message.items.value as unknown[]
        run = () => {
          throw error
        }
      }
    this.#batch = new BatchRun(message, items, run, this.#lane, this.#hello.words, this.#boundary, (retire) => {
      this.#batch = undefined
      this.#finish(retire)
    })
    this.#batch.run()
  }

  #finish(retire = false): void {
    this.#isRetired ||= retire
    // Stays busy: what comes now must not begin, another worker will run it.
    if (this.#isRetired) return
    this.#isBusy = false
    const next = this.#waiting.shift()
    if (next) this.#begin(next)
  }
}
