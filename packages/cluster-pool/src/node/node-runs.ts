import { BrokenError, TaskError } from '@heddle/pool-core'
import type { RetryCounts } from '@heddle/pool-core/building-blocks'
import { ClusterError } from '../errors.js'
import type { TakenTask } from '../pool/task-queue.js'
import { type Outcome, outcomeOfError, outcomeOfValue, pack, unpack } from '../pool/wire.js'
import type { NodeExecutor } from './node-options.js'
import type { ReplySender } from './reply-sender.js'
import type { RegisteredTask } from './task-registry.js'

/** A run that is expected to take less is not announced before it has taken so long. */
const announceAfterMs = 5

/** Milliseconds for which a cancelled task that has not come yet, or an outcome that is not stored yet, is remembered. */
const rememberMs = 60_000

interface Run {
  readonly controller: AbortController
  readonly caller: string
  readonly since: number
  outcome: Promise<Outcome> | undefined
  isAnnounced: boolean
  /** Another node has it, or is to have it: whatever it comes to here is not told. */
  isLost: boolean
}

interface Unstored {
  readonly caller: string
  readonly outcome: Outcome
  /** It is too long for a message: its caller is told when it can be fetched. */
  readonly isLong: boolean
  readonly since: number
}

/** Why a run was ended from here. */
class Cancelled extends Error {}

/**
 * The tasks that a node runs at the moment.
 *
 * Invariant: an id is run once at a time here; when it is taken again, since the server took this node for dead, the second
 * gets the outcome of the first.
 * Invariant: a task that may have begun on another node begins here only if it is idempotent.
 * Invariant: what was cancelled before it came does not begin.
 * Invariant: what a task came to is kept until the server has it, or its caller was told once more.
 */
export class NodeRuns {
  readonly #registry: ReadonlyMap<string, RegisteredTask>
  readonly #executor: NodeExecutor
  readonly #replies: ReplySender
  readonly #longOutcome: number
  readonly #runs = new Map<string, Run>()
  /** When each was cancelled. */
  readonly #cancelled = new Map<string, number>()
  /** A moving mean of what a run of each task takes, in milliseconds. */
  readonly #means = new Map<string, number>()
  /** What tasks came to, until that is stored. */
  readonly #unstored = new Map<string, Unstored>()
  #timer: NodeJS.Timeout | undefined
  #isEnding = false
  #done = 0

  /** @param longOutcome - characters beyond which an outcome is not sent but fetched */
  constructor(
    registry: ReadonlyMap<string, RegisteredTask>,
    executor: NodeExecutor,
    replies: ReplySender,
    longOutcome: number,
  ) {
    this.#registry = registry
    this.#executor = executor
    this.#replies = replies
    this.#longOutcome = longOutcome
  }

  get running(): number {
    return this.#runs.size
  }

  get done(): number {
    return this.#done
  }

  /** Never rejects. Undefined: another node is to have it. */
  async run(taken: TakenTask): Promise<Outcome | undefined> {
    const known = this.#runs.get(taken.id)
    if (this.#isEnding) return undefined
    if (known?.outcome && !known.isLost) {
      const outcome = await known.outcome
      return known.isLost ? undefined : outcome
    }
    const run: Run = {
      controller: new AbortController(),
      caller: taken.data.c,
      since: performance.now(),
      outcome: undefined,
      isAnnounced: false,
      isLost: false,
    }
    this.#runs.set(taken.id, run)
    try {
      run.outcome = this.#outcomeOf(taken, run)
      const value = await run.outcome
      if (run.isLost) return undefined
      this.#tell(taken, value)
      return value
    } finally {
      if (this.#runs.get(taken.id) === run) this.#runs.delete(taken.id)
      this.#done += 1
    }
  }

  /** Its caller does not want it any more. */
  cancel(id: string): void {
    this.#forgetOld()
    this.#cancelled.delete(id)
    this.#cancelled.set(id, performance.now())
    this.#runs.get(id)?.controller.abort(new Cancelled('its caller has cancelled the task'))
  }

  /** Ends a run whose task another node has, or is to have. */
  lose(id: string): void {
    const run = this.#runs.get(id)
    if (!run) return
    run.isLost = true
    run.controller.abort(new Cancelled('the server gives the task to another node'))
  }

  /** Nothing runs here from now on. */
  end(): void {
    this.#isEnding = true
    clearTimeout(this.#timer)
    for (const id of Array.from(this.#runs.keys())) this.lose(id)
  }

  /** The outcome can be fetched. */
  onStored(id: string): void {
    const unstored = this.#unstored.get(id)
    this.#unstored.delete(id)
    if (unstored?.isLong) void this.#replies.send(unstored.caller, [id, 'stored'])
  }

  /** The outcome cannot be fetched, and the first message may have been lost with the connection. */
  onBroken(id: string): void {
    const unstored = this.#unstored.get(id)
    this.#unstored.delete(id)
    if (unstored) void this.#replies.sendAgain(unstored.caller, [id, 'settled', unstored.outcome])
  }

  #tell({ id, data }: TakenTask, outcome: Outcome): void {
    const isLong = outcome.bytes.length > this.#longOutcome
    this.#forgetOld()
    this.#unstored.delete(id)
    this.#unstored.set(id, { caller: data.c, outcome, isLong, since: performance.now() })
    if (!isLong) void this.#replies.send(data.c, [id, 'settled', outcome])
  }

  async #outcomeOf(taken: TakenTask, run: Run): Promise<Outcome> {
    const entry = this.#registry.get(taken.name)
    const refusal = entry ? refusalOf(taken, entry) : unregistered(taken.name)
    if (!entry || refusal) return outcomeOfError(refusal, 0)
    let args: unknown[]
    try {
      args = unpack(taken.data.a) as unknown[]
    } catch (error) {
      return { ...outcomeOfError(error, 0), kind: 'error' }
    }
    await this.#announce(taken, run)
    if (this.#cancelled.has(taken.id)) run.controller.abort(new Cancelled('its caller has cancelled the task'))
    const begun = performance.now()
    try {
      const value = await this.#execute(entry, args, taken, run.controller.signal)
      return outcomeOfValue(value, this.#note(taken.name, begun))
    } catch (error) {
      const ms = this.#note(taken.name, begun)
      const outcome = outcomeOfError(error, ms)
      return error instanceof Cancelled ? { ...outcome, kind: 'cancelled' } : outcome
    } finally {
      this.#cancelled.delete(taken.id)
    }
  }

  async #execute(
    { task }: RegisteredTask,
    args: readonly unknown[],
    { id, data }: TakenTask,
    signal: AbortSignal,
  ): Promise<unknown> {
    signal.throwIfAborted()
    return await this.#executor.run(task, args, {
      timeout: data.t,
      signal,
      retries: data.n,
      onProgress: data.p ? (value) => this.#tellProgress(data.c, id, value) : undefined,
    })
  }

  #tellProgress(caller: string, id: string, value: unknown): void {
    void this.#replies.send(caller, [id, 'progress', pack(value)])
  }

  /**
   * Tells the caller that its task begins: before it does, or a little later, if it is still there, where that would take as
   * long as the task.
   */
  async #announce({ id, name, data }: TakenTask, run: Run): Promise<void> {
    if ((this.#means.get(name) ?? Number.POSITIVE_INFINITY) < announceAfterMs) {
      this.#timer ??= setTimeout(() => this.#announceOld(), announceAfterMs)
      return
    }
    run.isAnnounced = true
    await this.#replies.send(data.c, [id, 'started'])
  }

  /** One timer for all: most runs are over before it fires. */
  #announceOld(): void {
    this.#timer = undefined
    const old = performance.now() - announceAfterMs
    let isLeft = false
    for (const [id, run] of this.#runs) {
      if (run.isAnnounced) continue
      if (run.since > old) {
        isLeft = true
        continue
      }
      run.isAnnounced = true
      void this.#replies.send(run.caller, [id, 'started'])
    }
    if (isLeft) this.#timer = setTimeout(() => this.#announceOld(), announceAfterMs)
  }

  #note(name: string, begun: number): number {
    const ms = performance.now() - begun
    const mean = this.#means.get(name)
    this.#means.set(name, mean === undefined ? ms : 0.8 * mean + 0.2 * ms)
    return ms
  }

  /** In both the oldest come first. Some outcomes are never heard of again: another node has the task. */
  #forgetOld(): void {
    const old = performance.now() - rememberMs
    for (const [id, at] of this.#cancelled) {
      if (at > old) break
      this.#cancelled.delete(id)
    }
    for (const [id, { since }] of this.#unstored) {
      if (since > old) break
      this.#unstored.delete(id)
    }
  }
}

function unregistered(name: string): ClusterError {
  return new ClusterError(
    'ERR_TASK_NOT_REGISTERED',
    `the node that got it has no task ${name}: start it with the module that defines it`,
  )
}

/** Why a task that other nodes have taken before must not begin again. */
function refusalOf({ name, data, starts }: TakenTask, { definition }: RegisteredTask): Error | undefined {
  if (starts <= 1) return undefined
  const { crashes }: RetryCounts = data.n ?? definition.retries
  const lost = new BrokenError(`the node that ran ${name} has ended, or was silent for too long`, {
    attempt: starts - 1,
    began: true,
  })
  if (!definition.idempotent) return lost
  if (starts - 1 <= crashes) return undefined
  return new TaskError('ERR_POISON_TASK', `${name} was lost with its node ${starts - 1} times: it is not run again`, {
    cause: lost,
  })
}
