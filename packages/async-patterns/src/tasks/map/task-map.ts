import { TimeoutError } from '../../errors.js'
import { captureContext } from '../../platform/context.js'
import { isTurnDue, nextTurn } from '../../platform/event-loop.js'
import { Deadline } from '../../waiting/deadline.js'
import type { TaskContext } from '../managed-task.js'
import { isPromiseLike, toPromise } from '../promise-like.js'
import { TaskScope } from '../task-scope.js'
import { Lane } from './lane.js'
import type { LaneHost, RunningMap } from './lane-host.js'
import { MapInput } from './map-input.js'
import { MapOutput, type Outcome } from './map-output.js'

/** The results of a map, in the order of the items unless it was asked for otherwise. */
export interface TaskMapResults<Result> extends AsyncIterableIterator<Result, undefined> {
  /**
   * Runs the map to its end and gives all results together, which is the fastest way: all that were not given before. Rejects
   * with the first error, and with an AbortError if `return` is called meanwhile.
   */
  toArray(): Promise<Result[]>
  return(): Promise<IteratorResult<Result, undefined>>
}

export interface MapLimits {
  readonly concurrency: number
  readonly ordered: boolean
  /** Milliseconds that one item may take. */
  readonly timeout: number
  readonly signal: AbortSignal | undefined
}

/**
 * One lazy map: up to `concurrency` lanes that each run the task with an item and take the next, as long as results are asked
 * for and nobody else waits for the lane's place.
 *
 * Invariant: an item is pulled only while fewer than `concurrency` items are under way or wait to be asked for, beside those
 * that were given already.
 * Invariant: a lane holds a place of the manager exactly while it is 'inside'.
 * Invariant: its manager and the caller's signal know of the map only from the first ask until it is over.
 * Invariant: once the output is over, nothing is begun, the input is closed, and no lane waits in line.
 *
 * More than 300 lines: lanes, input and output meet here and nowhere else; each of them has a file of its own.
 */
export class TaskMap<Item, Result> implements TaskMapResults<Result>, RunningMap {
  readonly #host: LaneHost
  readonly #task: (item: Item, context: TaskContext) => Result | PromiseLike<Result>
  readonly #limits: MapLimits
  readonly #input: MapInput<Item>
  readonly #output = new MapOutput<Result>()
  readonly #scope: TaskScope
  readonly #context: TaskContext
  readonly #asker = captureContext()
  readonly #idle: Lane<Result>[] = []
  readonly #busy = new Set<Lane<Result>>()
  #laneCount = 0
  #inLine = 0
  /** Lanes that are inside and go on after a turn of the event loop. */
  #resting = 0
  #begun = 0
  #settled = 0
  /** An item failed: what was begun before is still given, and nothing more is begun. */
  #hasFailed = false
  #isAsked = false
  #isOver = false
  #grace: Deadline | undefined

  constructor(
    host: LaneHost,
    task: (item: Item, context: TaskContext) => Result | PromiseLike<Result>,
    items: Iterable<Item> | AsyncIterable<Item>,
    limits: MapLimits,
  ) {
    this.#host = host
    this.#task = task
    this.#limits = limits
    this.#input = new MapInput(items, () => this.#goOn())
    const scope = new TaskScope(undefined, (reason) => this.#endWith({ error: reason }))
    this.#scope = scope
    this.#context = {
      get signal() {
        return scope.signal
      },
    }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Result, undefined>> {
    this.#begins()
    const result = this.#output.read()
    this.#give()
    this.#goOn()
    return result
  }

  toArray(): Promise<Result[]> {
    this.#begins()
    const results = this.#output.collect()
    this.#give()
    this.#goOn()
    return results
  }

  async return(): Promise<IteratorResult<Result, undefined>> {
    await this.#end(this.#output.isCollecting ? { error: nobodyAsks() } : undefined)
    return { done: true, value: undefined }
  }

  abort(reason: unknown): void {
    this.#scope.abort(reason)
  }

  stop(reason: unknown): void {
    this.#input.stop(reason)
    this.#endIfDone()
  }

  /** At the first ask. */
  #begins(): void {
    if (this.#isAsked || this.#isOver) return
    this.#isAsked = true
    const { signal } = this.#limits
    if (signal?.aborted) this.abort(signal.reason)
    else if (this.#host.closedError !== undefined) this.stop(this.#host.closedError)
    else {
      if (signal !== undefined) this.#scope.watch(signal)
      this.#host.addMap(this)
    }
  }

  /** How many more items may be begun now: those that may be pulled, and one that was asked for and has come. */
  get #room(): number {
    if (this.#isOver || this.#hasFailed || this.#input.isOver) return 0
    const pullable = this.#output.asked - 1 + this.#limits.concurrency - this.#input.pulled
    return this.#input.hasArrived ? pullable + 1 : pullable
  }

  #goOn(): void {
    // One lane that has to wait is enough: the next one follows when that takes its item. There may be endlessly many.
    while (this.#inLine + this.#resting === 0 && this.#room > 0 && !this.#input.isAsking) {
      const lane = this.#idle.pop() ?? this.#newLane()
      if (lane === undefined) break
      if (this.#host.tryEnter()) this.#enter(lane)
      else this.#standInLine(lane)
    }
    this.#endIfDone()
  }

  #newLane(): Lane<Result> | undefined {
    if (this.#laneCount >= Math.min(this.#limits.concurrency, this.#host.maxConcurrent)) return undefined
    this.#laneCount += 1
    return new Lane(this)
  }

  #standInLine(lane: Lane<Result>): void {
    lane.state = 'in line'
    this.#inLine += 1
    this.#busy.add(lane)
    const leaveLine = () => {
      this.#inLine -= 1
      lane.leaveLine = undefined
    }
    let hasEntered = false
    const takeBack = this.#host.enterInTurn(() => {
      hasEntered = true
      leaveLine()
      this.#enter(lane)
      this.#goOn()
    })
    // It may have had its turn at once, and may even stand in line again by now.
    if (!hasEntered)
      lane.leaveLine = () => {
        leaveLine()
        lane.state = 'idle'
        this.#busy.delete(lane)
        takeBack()
      }
  }

  #enter(lane: Lane<Result>): void {
    lane.state = 'inside'
    lane.hasWorked = false
    this.#busy.add(lane)
    this.#advanceForAsker(lane)
  }

  #advanceForAsker(lane: Lane<Result>): void {
    if (this.#asker === undefined) this.advance(lane)
    else this.#asker.runInAsyncScope(() => this.advance(lane))
  }

  /** Runs the next item on a lane that is inside, or lets the lane rest. */
  advance(lane: Lane<Result>): void {
    // A lane that has just come in works before it gives way: otherwise two of them could swap places for ever.
    let mayGiveWay = lane.hasWorked
    // A lane that was given up while its item went on is not inside any more.
    while (lane.state === 'inside') {
      const hasRoom = this.#room > 0
      if (hasRoom && (this.#host.isPaused || (mayGiveWay && this.#host.mustLeave(this.#inLine)))) {
        this.#leave(lane)
        // Others have had their turn meanwhile: they may have ended the map.
        const next = this.#room > 0 ? this.#idle.pop() : undefined
        if (next !== undefined) this.#standInLine(next)
        return
      }
      if (isTurnDue()) {
        this.#goOnNextTurn(lane)
        return
      }
      const item = hasRoom ? this.#input.take() : undefined
      if (item === undefined) {
        this.#leave(lane)
        this.#endIfDone()
        return
      }
      lane.hasWorked = true
      mayGiveWay = true
      if (this.#begin(lane, item)) return
    }
  }

  #goOnNextTurn(lane: Lane<Result>): void {
    this.#resting += 1
    nextTurn(() => {
      this.#resting -= 1
      this.#advanceForAsker(lane)
      this.#goOn()
    })
  }

  /** @returns whether the item is under way, and not done yet */
  #begin(lane: Lane<Result>, item: { readonly value: Item }): boolean {
    lane.index = this.#begun
    lane.work = 'under way'
    this.#begun += 1
    try {
      const result = this.#task(item.value, this.#contextOf(lane))
      if (isPromiseLike(result)) {
        toPromise(result).then(lane.onValue, lane.onError)
        return true
      }
      this.onSettled(lane, { ok: true, value: result })
    } catch (error) {
      this.onSettled(lane, { ok: false, error })
    }
    return false
  }

  #leave(lane: Lane<Result>): void {
    lane.state = 'idle'
    this.#busy.delete(lane)
    this.#idle.push(lane)
    if (this.#isOver && this.#busy.size === 0) this.#grace?.cancel()
    this.#host.leave()
  }

  #contextOf(lane: Lane<Result>): TaskContext {
    const { timeout } = this.#limits
    if (timeout === Number.POSITIVE_INFINITY) return this.#context
    const scope = new TaskScope(this.#scope.signal, (error, isTimeout) => {
      // What aborts the whole map is told to the map itself.
      if (isTimeout) this.#onTimeout(lane, error)
    })
    scope.limit(timeout, () => new TimeoutError(`an item of the map took longer than ${timeout} ms`))
    lane.scope = scope
    return {
      get signal() {
        return scope.signal
      },
    }
  }

  /** Its body keeps the place, but no longer than the grace; whether anybody asks for the error or not. */
  #onTimeout(lane: Lane<Result>, error: unknown): void {
    lane.work = 'aborted'
    this.#host.countItem('timedOut')
    if (this.#host.abortGrace !== Number.POSITIVE_INFINITY)
      lane.grace = new Deadline(this.#host.abortGrace, { onDeadline: () => this.#abandon(lane) })
    this.#put(lane.index, { ok: false, error })
  }

  onSettled(lane: Lane<Result>, outcome: Outcome<Result>): void {
    const { work } = lane
    lane.work = 'none'
    lane.scope?.lift()
    lane.scope = undefined
    lane.grace?.cancel()
    lane.grace = undefined
    if (work === 'aborted') return
    this.#host.countItem(outcome.ok ? 'succeeded' : 'failed')
    this.#put(lane.index, outcome)
  }

  #put(index: number, outcome: Outcome<Result>): void {
    const at = this.#limits.ordered ? index : this.#settled
    this.#settled += 1
    if (!outcome.ok) this.#hasFailed = true
    const failure = this.#output.put(at, outcome)
    if (failure !== undefined) this.#endWith(failure)
  }

  #give(): void {
    const failure = this.#output.give()
    if (failure !== undefined) this.#endWith(failure)
  }

  #endIfDone(): void {
    if (this.#isOver || !this.#input.isOver || this.#settled < this.#input.pulled) return
    // What is ready is given first; an error of the input stands behind it.
    if (this.#output.given < this.#settled && !this.#output.isCollecting) return
    this.#endWith(this.#input.failure)
  }

  /** An error of the close has nobody to be told to: there is one already, as where a loop is left by a throw. */
  #endWith(failure: { readonly error: unknown } | undefined): void {
    this.#end(failure).catch(() => undefined)
  }

  async #end(failure: { readonly error: unknown } | undefined): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    this.#output.end(failure)
    this.#stopLanes(failure)
    this.#host.onMapOver(this)
    await this.#input.close()
  }

  /** Those that work on an item keep their places until it has ended, but no longer than the grace. */
  #stopLanes(failure: { readonly error: unknown } | undefined): void {
    let atWork = 0
    for (const lane of this.#busy) {
      lane.leaveLine?.()
      if (lane.work !== 'none') atWork += 1
      if (lane.work !== 'under way') continue
      lane.work = 'aborted'
      this.#host.countItem('cancelled')
    }
    if (atWork === 0) {
      this.#scope.lift()
      return
    }
    this.#scope.abort(failure === undefined ? nobodyAsks() : failure.error)
    if (this.#host.abortGrace !== Number.POSITIVE_INFINITY)
      this.#grace = new Deadline(this.#host.abortGrace, { onDeadline: () => this.#abandonLanes() })
  }

  #abandonLanes(): void {
    for (const lane of this.#busy) if (lane.work === 'aborted') this.#abandon(lane)
  }

  #abandon(lane: Lane<Result>): void {
    lane.grace?.cancel()
    lane.grace = undefined
    this.#host.countItem('abandoned')
    this.#leave(lane)
  }
}

function nobodyAsks(): DOMException {
  return new DOMException('nobody asks for more results', 'AbortError')
}
