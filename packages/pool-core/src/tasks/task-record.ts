import { invalidArgument } from '../errors.js'
import { sourceOf } from '../functions/function-source.js'
import { describe } from '../options.js'
import type { TaskRef } from '../protocol.js'
import { definitionOf, type TaskDefinition } from './define-task.js'
import type { RetryCounts } from './task-policy.js'

/** A run of fewer milliseconds is short: on its own, its message would cost more than it. */
const shortMs = 0.1

/** So many milliseconds of work travel together: the most that a run may wait behind others of its envelope, if all take their mean. */
const envelopeMs = 5
const largestEnvelope = 512

/** What a pool keeps of one task. */
export class TaskRecord {
  /** By which the lanes of this pool name it. */
  readonly ref: number
  readonly wire: TaskRef
  readonly name: string
  readonly idempotent: boolean
  readonly retries: RetryCounts
  /** A moving mean of what a run takes; undefined: it has never run. */
  meanMs: number | undefined = undefined
  /** How many runs travelled together last; grows by doubling, so that one wrong guess does not cost much. */
  #lastEnvelope = 1

  constructor(ref: number, wire: TaskRef, idempotent: boolean, retries: RetryCounts) {
    this.ref = ref
    this.wire = wire
    this.name = wire.name
    this.idempotent = idempotent
    this.retries = retries
  }

  get isShort(): boolean {
    return this.meanMs !== undefined && this.meanMs < shortMs
  }

  noteRuns(count: number, ms: number): void {
    const each = ms / count
    this.meanMs = this.meanMs === undefined ? each : 0.8 * this.meanMs + 0.2 * each
  }

  /** How many of `waiting` runs may travel together, so that they spread over `workers`. */
  envelopeSize(waiting: number, workers: number): number {
    if (!this.isShort) {
      this.#lastEnvelope = 1
      return 1
    }
    const byTime = Math.floor(envelopeMs / Math.max(this.meanMs as number, envelopeMs / largestEnvelope))
    const size = Math.min(byTime, Math.ceil(waiting / (2 * workers)), 2 * this.#lastEnvelope, largestEnvelope)
    this.#lastEnvelope = Math.max(1, size)
    return this.#lastEnvelope
  }
}

/** Texts of functions that are kept: a program has few, unless it makes them up as it goes. */
const maxFunctions = 1_000

/**
 * The records of one pool, by the task or function that the caller names. Functions of the same text are the same: one that is
 * written where it is passed is another object each time.
 */
export class TaskRecords {
  readonly #records = new WeakMap<object, TaskRecord>()
  readonly #functions = new Map<string, TaskRecord>()
  #count = 0

  /** @throws TypeError `ERR_INVALID_ARG`, TaskError `ERR_TASK_CAPTURES`: nothing that a worker can run */
  recordOf(task: unknown): TaskRecord {
    if (typeof task !== 'function')
      throw invalidArgument(`a pool runs tasks, not ${describe(task)}: make one with defineTask in a module of its own`)
    return this.#records.get(task) ?? this.#add(task)
  }

  #add(task: object): TaskRecord {
    const definition = definitionOf(task)
    const record = definition ? ofDefinition(this.#nextRef(), definition) : this.#recordOfFunction(task)
    this.#records.set(task, record)
    return record
  }

  #recordOfFunction(fn: object): TaskRecord {
    const { name } = fn as { readonly name: unknown }
    const text = `${String(name)}\n${Function.prototype.toString.call(fn)}`
    const known = this.#functions.get(text)
    // Put last: the first is the one that was not used for longest.
    if (known) this.#functions.delete(text)
    const record = known ?? ofFunction(this.#nextRef(), fn)
    this.#functions.set(text, record)
    const [oldest] = this.#functions.keys()
    if (this.#functions.size > maxFunctions && oldest !== undefined) this.#functions.delete(oldest)
    return record
  }

  #nextRef(): number {
    this.#count += 1
    return this.#count
  }
}

function ofDefinition(ref: number, { moduleUrl, name, idempotent, retries }: TaskDefinition): TaskRecord {
  return new TaskRecord(ref, { moduleUrl, name }, idempotent, retries)
}

/** Of a function that is no task, nothing is known but its text. */
function ofFunction(ref: number, fn: object): TaskRecord {
  return new TaskRecord(ref, sourceOf(fn as () => unknown), false, { crashes: 0, errors: 0, timeouts: 0 })
}
