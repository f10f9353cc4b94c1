import { setImmediate } from 'node:timers/promises'
import { type Boundary, decodeValue, encodeThrown, encodeValue } from '@heddle/codec'
import {
  type Death,
  type FromWorker,
  type Hello,
  type PoolKind,
  PoolManager,
  type PoolOptions,
  type Task,
  type ToWorker,
  type WorkerEvents,
  type WorkerLink,
} from '@heddle/pool-core'
import { claim, isMarkedAborted, markListening } from '../../build/slots/claim-words.js'

type CallMessage = Extract<ToWorker, { type: 'call' }>
type BatchMessage = Extract<ToWorker, { type: 'batch' }>
type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown }

/** A run that has begun in a worker. */
export interface Run {
  readonly task: string
  /** Its first argument, by which tests name it. */
  readonly argument: unknown
  readonly worker: FakeWorker
  readonly attempt: number | undefined
}

/** An envelope as a worker has it. */
export class Parcel {
  readonly message: CallMessage | BatchMessage
  readonly task: string
  /** The first argument of each run. */
  readonly firsts: readonly unknown[]
  readonly args: readonly (readonly unknown[])[]
  begun = 0
  sent = 0
  readonly outcomes: Outcome[] = []

  constructor(message: CallMessage | BatchMessage, task: string) {
    this.message = message
    this.task = task
    this.args = argumentsOf(message)
    this.firsts = this.args.map(([first]) => first)
  }

  get isRunning(): boolean {
    return this.begun > this.outcomes.length
  }
}

function argumentsOf(message: CallMessage | BatchMessage): unknown[][] {
  if (message.type === 'call') return [decodeValue(message.args) as unknown[]]
  const items = ArrayBuffer.isView(message.items)
    ? Array.from(message.items)
    : (Array.from(decodeValue(message.items) as unknown[]) as unknown[])
  return message.spread ? (items as unknown[][]) : items.map((item) => [item])
}

/** A worker that runs nothing by itself: what it begins, what it answers and how it ends is for the test to say. */
export class FakeWorker implements WorkerLink {
  readonly number: number
  readonly hello: Hello
  /** All that was sent to it. */
  readonly received: ToWorker[] = []
  /** The first arguments of all envelopes that it was sent. */
  readonly envelopes: (readonly unknown[])[] = []
  /** The tasks of these. */
  readonly tasksOf: string[] = []
  /** Envelopes that it has not finished. */
  readonly parcels: Parcel[] = []
  isReady = false
  hasEnded = false
  /** How often it was killed. */
  kills = 0
  readonly #owner: FakeWorkers
  readonly #events: WorkerEvents
  readonly #tasks = new Map<number, string>()
  #lastId = 0
  #onEnd: () => void = () => undefined
  readonly #ended = new Promise<void>((resolve) => {
    this.#onEnd = resolve
  })

  constructor(owner: FakeWorkers, number: number, hello: Hello, events: WorkerEvents) {
    this.#owner = owner
    this.number = number
    this.hello = hello
    this.#events = events
  }

  get pid(): number | undefined {
    return this.hello.words === undefined && this.isReady ? 1_000 + this.number : undefined
  }

  get threadId(): number | undefined {
    return this.hello.words !== undefined && this.isReady ? this.number : undefined
  }

  /** The first arguments of what it has and has not settled, envelope by envelope. */
  get held(): unknown[][] {
    return this.parcels.map(({ firsts, outcomes }) => firsts.slice(outcomes.length))
  }

  /** The first argument of the run that has begun. */
  get running(): unknown {
    const [head] = this.parcels
    return head?.isRunning ? head.firsts[head.outcomes.length] : undefined
  }

  get isKilling(): boolean {
    return this.kills > 0 && !this.hasEnded
  }

  send(message: ToWorker, transfer?: readonly object[]): void {
    const copy = structuredClone(message, { transfer: transfer as ArrayBuffer[] })
    this.received.push(copy)
    if (!this.isReady) this.#violated(`${message.type} before it is ready`)
    if (this.hasEnded) this.#violated(`${message.type} after its end`)
    if (this.kills > 0) this.#violated(`${message.type} after its kill`)
    switch (copy.type) {
      case 'task':
        if (this.#tasks.has(copy.ref)) this.#violated(`task ${copy.ref} twice`)
        this.#tasks.set(copy.ref, copy.task.name)
        break
      case 'forget':
        if (!this.#tasks.delete(copy.ref)) this.#violated(`forget ${copy.ref}, which it does not know`)
        if (this.parcels.some(({ message: { ref } }) => ref === copy.ref)) this.#violated(`forget ${copy.ref} in use`)
        break
      case 'call':
      case 'batch':
        this.#take(copy)
        break
      default:
        if (!this.parcels.some(({ message: { id } }) => id === copy.id))
          this.#violated(`${copy.type} for ${copy.id}, which is not there`)
    }
  }

  #take(message: CallMessage | BatchMessage): void {
    const task = this.#tasks.get(message.ref)
    if (task === undefined) this.#violated(`an envelope of task ${message.ref}, which it was not told`)
    if (message.id !== this.#lastId + 1) this.#violated(`envelope ${message.id} after ${this.#lastId}`)
    if (this.parcels.length >= 2) this.#violated('a third envelope')
    this.#lastId = message.id
    const parcel = new Parcel(message, task ?? '')
    if (parcel.firsts.length === 0) this.#violated('an envelope without runs')
    this.parcels.push(parcel)
    this.envelopes.push(parcel.firsts)
    this.tasksOf.push(parcel.task)
  }

  kill(): Promise<void> {
    this.kills += 1
    if (this.#owner.killsAtOnce) queueMicrotask(() => this.killed())
    return this.#ended
  }

  /** The kill is over. */
  killed(): void {
    this.die({ how: 'was ended', exitCode: undefined, signal: 'SIGKILL' })
  }

  /** The worker has ended, of itself unless it was killed. */
  die(details: Partial<Death> = {}): void {
    if (this.hasEnded) return
    this.hasEnded = true
    this.#events.onEnding()
    const { pid, threadId, isReady } = this
    this.#events.onEnd({
      how: 'ended with exit code 7',
      exitCode: 7,
      pid,
      threadId,
      wasStarting: !isReady,
      initializerFailed: false,
      ...details,
    })
    this.#onEnd()
  }

  ready(): void {
    if (this.isReady || this.hasEnded || this.kills > 0) return
    this.isReady = true
    this.#events.onReady()
  }

  /** Any message, as it comes from a worker. */
  tell(message: FromWorker): void {
    if (!this.hasEnded) this.#events.onMessage(message)
  }

  /** Begins the next run, as a worker does: what was taken back is skipped. @returns whether there was one */
  begin(): boolean {
    for (;;) {
      const [head] = this.parcels
      if (!head) return false
      if (head.isRunning) throw new Error('one run has begun already')
      const { message } = head
      const { words } = this.hello
      if (words && !claim(words, message.id, head.begun)) {
        this.#endHead(head)
        continue
      }
      const argument = head.firsts[head.begun]
      head.begun += 1
      const attempt = message.type === 'call' ? message.attempt : undefined
      this.#owner.begun.push({ task: head.task, argument, worker: this, attempt })
      if (message.type === 'call' && message.tellStart) this.tell({ type: 'started', id: message.id })
      return true
    }
  }

  /** The run that has begun, or else the next one, has this result; default: its first argument. */
  answer(...values: [value?: unknown]): void {
    const parcel = this.#running()
    this.#settle(parcel, { ok: true, value: values.length > 0 ? values[0] : parcel.firsts[parcel.outcomes.length] })
  }

  fail(error: unknown): void {
    this.#settle(this.#running(), { ok: false, error })
  }

  /** It has failed and left a lock behind: this worker runs nothing more. */
  leak(error: unknown): void {
    this.#settle(this.#running(), { ok: false, error }, true)
  }

  /** Runs all that it has, also what comes meanwhile. */
  answerAll(): void {
    while (this.running !== undefined || this.begin()) this.answer()
  }

  #running(): Parcel {
    if (this.running === undefined && !this.begin()) throw new Error(`worker ${this.number} has nothing to run`)
    return this.parcels[0] as Parcel
  }

  #settle(parcel: Parcel, outcome: Outcome, retire = false): void {
    parcel.outcomes.push(outcome)
    if (parcel.outcomes.length === parcel.firsts.length || retire) this.#endHead(parcel, retire)
  }

  #endHead(parcel: Parcel, retire = false): void {
    this.parcels.shift()
    const { message, outcomes } = parcel
    const [outcome] = outcomes
    if (message.type === 'batch') this.#tellBatch(parcel, true, retire)
    else if (!outcome) this.tell({ type: 'skipped', id: message.id })
    else
      this.tell({
        type: 'done',
        id: message.id,
        ok: outcome.ok,
        outcome: outcome.ok
          ? encodeValue(outcome.value, this.#owner.boundary)
          : encodeThrown(outcome.error, this.#owner.boundary),
        ms: this.#owner.ms,
        retire,
      })
  }

  /** Sends the results of a batch that are there. */
  flush(): void {
    const [head] = this.parcels
    if (head?.message.type === 'batch') this.#tellBatch(head, false, false)
  }

  #tellBatch(parcel: Parcel, last: boolean, retire: boolean): void {
    const { boundary, ms } = this.#owner
    const fresh = parcel.outcomes.slice(parcel.sent)
    const from = parcel.sent
    parcel.sent += fresh.length
    const values = fresh.map((outcome) => (outcome.ok ? outcome.value : undefined))
    const errors = fresh.flatMap((outcome, index) =>
      outcome.ok ? [] : [[from + index, encodeThrown(outcome.error, boundary)] as const],
    )
    this.tell({
      type: 'batch-done',
      id: parcel.message.id,
      from,
      values: values.every((value) => typeof value === 'number') ? Float64Array.from(values) : values,
      encoded: undefined,
      errors: errors.length > 0 ? errors : undefined,
      count: parcel.sent,
      last,
      ms: ms * fresh.length,
      retire,
    })
  }

  /** The call that it runs asks for its signal, of which the message is still on its way. */
  markListening(): void {
    const { words } = this.hello
    if (words) markListening(words, this.#call().id)
  }

  /** The call that it runs asks for its signal. */
  listen(): void {
    this.tell({ type: 'listening', id: this.#call().id })
  }

  progress(value: unknown): void {
    this.tell({ type: 'progress', id: this.#call().id, value: encodeValue(value, this.#owner.boundary) })
  }

  chunk(value: unknown): void {
    this.tell({ type: 'chunk', id: this.#call().id, value: encodeValue(value, this.#owner.boundary) })
  }

  /** Whether the call that it runs was marked as aborted in the shared words. */
  get isMarkedAborted(): boolean {
    const { words } = this.hello
    return words !== undefined && isMarkedAborted(words, this.#call().id)
  }

  /** The messages of one kind that it was sent. */
  of<Type extends ToWorker['type']>(type: Type): Extract<ToWorker, { type: Type }>[] {
    return this.received.filter((message): message is Extract<ToWorker, { type: Type }> => message.type === type)
  }

  #call(): CallMessage {
    const message = this.parcels[0]?.message
    if (message?.type !== 'call') throw new Error(`worker ${this.number} runs no call`)
    return message
  }

  #violated(what: string): void {
    this.#owner.violations.push(`worker ${this.number} was sent ${what}`)
  }
}

export interface FakeOptions {
  /** Workers are up by themselves, a moment after their start; default: true. */
  readonly readyAtOnce?: boolean
  /** A kill is over by itself, a moment later; default: true. */
  readonly killsAtOnce?: boolean
  /** What each run says that it took; default: 50, for which none is short. */
  readonly ms?: number
}

/** Fake workers, in the order of their start, and what the pool has done with them that it may not. */
export class FakeWorkers {
  readonly boundary: Boundary
  readonly workers: FakeWorker[] = []
  /** All runs that have begun, in their order. */
  readonly begun: Run[] = []
  readonly violations: string[] = []
  /** What the next starts throw. */
  readonly startErrors: unknown[] = []
  readonly kind: PoolKind
  readonly pools: PoolManager[] = []
  /** What the pool has asked for. */
  startTimeout: number | undefined
  readyAtOnce: boolean
  killsAtOnce: boolean
  ms: number

  constructor(boundary: Boundary, { readyAtOnce = true, killsAtOnce = true, ms = 50 }: FakeOptions = {}) {
    this.boundary = boundary
    this.readyAtOnce = readyAtOnce
    this.killsAtOnce = killsAtOnce
    this.ms = ms
    this.kind = {
      what: 'fake worker',
      boundary,
      startWorker: (_settings, startTimeout) => {
        this.startTimeout = startTimeout
        return (hello, events) => this.#start(hello, events)
      },
    }
  }

  #start(hello: Hello, events: WorkerEvents): FakeWorker {
    if (this.startErrors.length > 0) throw this.startErrors.shift()
    const worker = new FakeWorker(this, this.workers.length + 1, hello, events)
    this.workers.push(worker)
    if (this.readyAtOnce) queueMicrotask(() => worker.ready())
    return worker
  }

  /** A pool over these workers; it ends with the test. */
  pool(options?: PoolOptions): PoolManager {
    const pool = new PoolManager(this.kind, options)
    this.pools.push(pool)
    return pool
  }

  /** Ends all pools, whatever they wait for. */
  async end(): Promise<void> {
    this.killsAtOnce = true
    for (const worker of this.workers) if (worker.isKilling) worker.killed()
    await Promise.all(this.pools.map((pool) => pool.terminate()))
  }

  get alive(): FakeWorker[] {
    return this.workers.filter(({ hasEnded }) => !hasEnded)
  }

  /** The arguments of the runs that have begun. */
  get begunArguments(): unknown[] {
    return this.begun.map(({ argument }) => argument)
  }

  at(index: number): FakeWorker {
    const worker = this.workers[index]
    if (!worker) throw new Error(`there is no worker ${index}`)
    return worker
  }

  /** The worker that has the run with this first argument. */
  with(argument: unknown): FakeWorker {
    const worker = this.alive.find(({ held }) => held.flat().includes(argument))
    if (!worker) throw new Error(`no worker has ${String(argument)}`)
    return worker
  }

  /** Lets it begin, if it can. */
  begin(argument: unknown): FakeWorker {
    const worker = this.with(argument)
    worker.begin()
    if (worker.running !== argument) throw new Error(`${String(worker.running)} runs instead of ${String(argument)}`)
    return worker
  }
}

/** Lets the pool measure that a run of the task takes so long; its number is 0. */
export async function teach(fakes: FakeWorkers, pool: PoolManager, task: Task<(number: number) => number>, ms: number) {
  const { ms: usual } = fakes
  fakes.ms = ms
  const run = pool.run(task, [0])
  await settled()
  fakes.with(0).answer()
  await run
  fakes.ms = usual
  fakes.begun.length = 0
}

/** Lets all promises settle that can, whatever the clock says. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await setImmediate()
}

/** For calls that only take up a worker: the end of the pool is theirs. */
export function ignore(call: Promise<unknown>): void {
  call.catch(() => undefined)
}

/** Follows a promise without waiting for it; has no fields while it is pending. */
export function outcomeOf(promise: Promise<unknown>): { readonly value?: unknown; readonly error?: unknown } {
  const outcome = {}
  promise.then(
    (value) => Object.assign(outcome, { value }),
    (error: unknown) => Object.assign(outcome, { error }),
  )
  return outcome
}
