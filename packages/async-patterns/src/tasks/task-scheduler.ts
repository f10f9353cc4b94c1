import { ClosedError, QueueFullError, TaskError, TimeoutError } from '../errors.js'
import { LinkedList } from '../linked-list.js'
import { captureContext } from '../platform/context.js'
import { channel } from '../platform/diagnostics.js'
import { isTurnDue, nextTurn, roughNow } from '../platform/event-loop.js'
import { reportError } from '../platform/report-error.js'
import { Deadline } from '../waiting/deadline.js'
import { holdProcess, letProcessGo } from '../waiting/keep-alive.js'
import { WaiterQueue } from '../waiting/waiter-queue.js'
import { DurationHistogram } from './duration-histogram.js'
import { Follower } from './follower.js'
import { LaneTurn } from './lane-turn.js'
import type { ManagedTask } from './managed-task.js'
import type { LaneHost, RunningMap } from './map/lane-host.js'
import { isPromiseLike, toPromise } from './promise-like.js'
import type { SchedulerOptions, TaskCounts } from './scheduler-options.js'
import { admitted, TaskLine } from './task-line.js'
import { TaskScope } from './task-scope.js'

const taskChannel = channel('task')

/**
 * Gives tasks and the lanes of maps their places, in the order of a line that has a bound.
 *
 * states: open → draining (takes on nothing, ends what it took on), either → terminated (has ended all at once); never back.
 *
 * Invariant: #used is the sum of the weights of the running tasks and 1 for each lane inside. It exceeds maxConcurrent only
 * by a task that is heavier than all places together and runs alone, or after maxConcurrent was taken down.
 * Invariant: whenever no method of ours is at work, and we are neither paused nor resting, the first in line does not fit.
 * Invariant: a task waits for room only while the queue is full.
 * Invariant: every task settles exactly once, and leaves no timer, listener or place behind.
 *
 * More than 300 lines: every way in and out relies on the same invariants, and is read with the others.
 */
export class TaskScheduler implements LaneHost {
  readonly abortGrace: number
  readonly counts: TaskCounts = {
    succeeded: 0,
    failed: 0,
    cancelled: 0,
    timedOut: 0,
    dropped: 0,
    refused: 0,
    abandoned: 0,
  }
  readonly waitTimes = new DurationHistogram()
  readonly runTimes = new DurationHistogram()
  readonly #options: SchedulerOptions
  #maxConcurrent: number
  readonly #line: TaskLine
  /** Running and aborted ones. */
  readonly #running = new LinkedList<ManagedTask>()
  /** Those that have nobody to follow; never more than there were places. */
  readonly #followers: Follower[] = []
  /** How long the places of aborted ones are kept. */
  readonly #graces = new Map<ManagedTask, Deadline>()
  readonly #maps = new Set<RunningMap>()
  readonly #lanes = new LinkedList<LaneTurn>()
  #lanesInside = 0
  /** Lanes in line and tasks in line take turns, unless a task has a priority above 0. */
  #isLanesTurn = false
  #used = 0
  readonly #idleWaiters = new WaiterQueue<void>(() => new TimeoutError('the manager was not idle in time'))
  #closedError: ClosedError | undefined
  #isPaused = false
  #isPumping = false
  /** Something is in line, and goes on after a turn of the event loop. */
  #isResting = false
  /** Tasks whose promises are pending: while there are any, the process is kept alive. */
  #unsettled = 0

  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#maxConcurrent = options.maxConcurrent
    this.#line = new TaskLine(options.maxQueued)
    this.abortGrace = options.abortGrace
  }

  get maxConcurrent(): number {
    return this.#maxConcurrent
  }

  set maxConcurrent(most: number) {
    this.#maxConcurrent = most
    this.#pump()
  }

  /** Tasks and lanes at work. */
  get running(): number {
    return this.#running.size + this.#lanesInside
  }

  get queued(): number {
    return this.#line.queued
  }

  get waitingForRoom(): number {
    return this.#line.waitingForRoom
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Why nothing is taken on any more, once that is so. */
  get closedError(): ClosedError | undefined {
    return this.#closedError
  }

  /** Takes a task on, or settles it with why not. */
  admit(task: ManagedTask): void {
    this.#unsettled += 1
    if (this.#unsettled === 1) holdProcess()
    const { signal, queueTimeout, weight } = task.limits
    if (signal?.aborted) this.#settle(task, 'cancelled', signal.reason)
    else if (this.#closedError !== undefined) this.#settle(task, 'refused', this.#closedError)
    else {
      if (signal !== undefined) this.scopeOf(task)
      if (this.#isOpenFor(weight)) {
        admitted(task)
        this.#start(task)
      } else if (queueTimeout === 0)
        this.#settle(task, 'timedOut', new TimeoutError('no place was free for the task, and it was not to wait'))
      else this.#putInLine(task)
    }
  }

  #putInLine(task: ManagedTask): void {
    const { queueTimeout } = task.limits
    if (queueTimeout !== Number.POSITIVE_INFINITY)
      this.scopeOf(task).limit(queueTimeout, () => new TimeoutError(`the task did not begin within ${queueTimeout} ms`))
    task.context = captureContext(task.promise)
    if (!this.#line.isFull) this.#line.enqueue(task)
    else if (!this.#makeRoomFor(task)) return
    if (this.#line.head === task) this.#pump()
  }

  /** What `whenFull` says. @returns whether the task is in line now */
  #makeRoomFor(task: ManagedTask): boolean {
    const { whenFull, maxQueued } = this.#options
    if (whenFull === 'wait') {
      this.#line.waitForRoom(task)
      return true
    }
    if (whenFull === 'reject') {
      const message = `${maxQueued} tasks wait already, and the manager takes no more`
      this.#settle(task, 'refused', new QueueFullError(task.args, message))
      return false
    }
    const oldest = whenFull === 'drop-oldest' ? this.#line.oldestOfLowest : undefined
    if (oldest === undefined || oldest.priority > task.priority) {
      admitted(task)
      this.#drop(task)
      return false
    }
    this.#line.remove(oldest)
    this.#line.enqueue(task)
    this.#drop(oldest)
    // It may have been first in line, and too heavy for what is free.
    this.#pump()
    return true
  }

  #drop(task: ManagedTask): void {
    const error = new TaskError('ERR_TASK_DROPPED', 'the task was dropped before it began: the queue was full')
    this.#settle(task, 'dropped', error)
    try {
      this.#options.onDropped?.({ id: task.submission?.id, args: task.args, error })
    } catch (failure) {
      reportError(failure)
    }
  }

  /** Whether a task of this weight may begin at once: nobody is in line before it. */
  #isOpenFor(weight: number): boolean {
    return !this.#isPaused && this.#isLineEmpty && this.#fits(weight)
  }

  get #isLineEmpty(): boolean {
    return this.#line.isEmpty && this.#lanes.size === 0
  }

  #fits(weight: number): boolean {
    return this.#used + weight <= this.#maxConcurrent || this.#used === 0
  }

  /** Starts what is first in line as long as it fits, and reports when there is nothing left to do. */
  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    while (!this.#isPaused && !this.#isResting) {
      const { head } = this.#line
      const lane = this.#lanes.head
      if (lane !== undefined && (head === undefined || (this.#isLanesTurn && head.priority <= 0))) {
        if (!this.#fits(1)) break
        this.#isLanesTurn = false
        this.#letIn(lane)
        continue
      }
      if (head === undefined || !this.#fits(head.limits.weight)) break
      if (head.scope?.isAborting) {
        head.scope.onAbort()
        continue
      }
      if (isTurnDue()) {
        this.#rest()
        break
      }
      this.#isLanesTurn = true
      this.#line.remove(head)
      admitted(head)
      this.#start(head)
    }
    this.#isPumping = false
    if (this.#idleWaiters.size > 0 && this.#isIdle) this.#tellIdle()
  }

  #rest(): void {
    this.#isResting = true
    nextTurn(() => {
      this.#isResting = false
      this.#pump()
    })
  }

  #start(task: ManagedTask): void {
    const now = roughNow()
    task.state = 'running'
    this.#used += task.limits.weight
    this.#running.push(task)
    const { timeout, queueTimeout } = task.limits
    if (timeout !== Number.POSITIVE_INFINITY)
      this.scopeOf(task).limit(timeout, () => new TimeoutError(`the task ran for more than ${timeout} ms`))
    else if (queueTimeout !== Number.POSITIVE_INFINITY) task.scope?.limit(timeout, () => new TimeoutError())
    this.waitTimes.record(now - task.since)
    task.since = now
    if (taskChannel.hasSubscribers) this.#publish(task, 'started')
    try {
      const result = task.call(this)
      if (isPromiseLike(result)) {
        const follower = this.#followers.pop() ?? new Follower(this.#onFollowed)
        follower.task = task
        toPromise(result).then(follower.onValue, follower.onError)
      } else this.#end(task, true, result)
    } catch (error) {
      this.#end(task, false, error)
    }
  }

  readonly #onFollowed = (follower: Follower, ok: boolean, outcome: unknown): void => {
    const task = follower.task as ManagedTask
    follower.task = undefined
    this.#followers.push(follower)
    this.#end(task, ok, outcome)
  }

  /** The body has ended. */
  #end(task: ManagedTask, ok: boolean, outcome: unknown): void {
    // An abandoned one has lost its place before.
    if (task.state === 'ended') return
    this.runTimes.record(roughNow() - task.since)
    if (task.state === 'aborted') this.#leaveBehind(task)
    else {
      this.#vacate(task)
      this.#settle(task, ok ? 'succeeded' : 'failed', outcome)
    }
    this.#pump()
  }

  /** Its promise has settled; now its place is free as well. */
  #leaveBehind(task: ManagedTask): void {
    this.#graces.get(task)?.cancel()
    this.#graces.delete(task)
    this.#vacate(task)
    task.state = 'ended'
  }

  #vacate(task: ManagedTask): void {
    this.#running.remove(task)
    this.#used -= task.limits.weight
  }

  /** Settles the promise of a task; one that runs keeps its place if it is aborted. */
  #settle(
    task: ManagedTask,
    how: Exclude<keyof TaskCounts, 'abandoned'>,
    outcome: unknown,
    state: 'aborted' | 'ended' = 'ended',
  ): void {
    task.state = state
    task.scope?.lift()
    if (how === 'succeeded') task.resolve(outcome)
    else task.reject(outcome)
    this.counts[how] += 1
    if (taskChannel.hasSubscribers) this.#publish(task, how)
    this.#unsettled -= 1
    if (this.#unsettled === 0) letProcessGo()
  }

  /** What bounds a task from outside; made when there is something that does. */
  scopeOf(task: ManagedTask): TaskScope {
    task.scope ??= new TaskScope(task.limits.signal, (reason, isTimeout) => this.#onAborted(task, reason, isTimeout))
    return task.scope
  }

  #onAborted(task: ManagedTask, reason: unknown, isTimeout: boolean): void {
    if (task.isSettled) return
    const how = isTimeout ? 'timedOut' : 'cancelled'
    if (task.state === 'running') {
      this.#settle(task, how, reason, 'aborted')
      if (this.abortGrace !== Number.POSITIVE_INFINITY)
        this.#graces.set(task, new Deadline(this.abortGrace, { onDeadline: () => this.#abandon(task) }))
      return
    }
    this.#line.remove(task)
    this.#settle(task, how, reason)
    // It may have been first in line, and too heavy for what is free.
    this.#pump()
  }

  #abandon(task: ManagedTask): void {
    this.counts.abandoned += 1
    this.#leaveBehind(task)
    this.#pump()
  }

  /** Drops all that is in line. @returns how many tasks those were */
  clear(error: Error): number {
    let cleared = 0
    for (const task of this.#line.removeAll()) {
      this.#settle(task, 'dropped', error)
      cleared += 1
    }
    this.#pump()
    return cleared
  }

  // What lanes need.

  mustLeave(ownInLine: number): boolean {
    return !this.#line.isEmpty || this.#lanes.size > ownInLine || this.#used > this.#maxConcurrent
  }

  tryEnter(): boolean {
    if (!this.#isOpenFor(1)) return false
    this.#used += 1
    this.#lanesInside += 1
    return true
  }

  enterInTurn(enter: () => void): () => void {
    const turn = new LaneTurn(enter)
    this.#lanes.push(turn)
    this.#pump()
    return () => {
      if (!turn.isInLine) return
      this.#lanes.remove(turn)
      this.#pump()
    }
  }

  #letIn(turn: LaneTurn): void {
    turn.isInLine = false
    this.#lanes.remove(turn)
    this.#used += 1
    this.#lanesInside += 1
    turn.enter()
  }

  leave(): void {
    this.#used -= 1
    this.#lanesInside -= 1
    this.#pump()
  }

  countItem(how: keyof TaskCounts): void {
    this.counts[how] += 1
  }

  addMap(map: RunningMap): void {
    this.#maps.add(map)
  }

  onMapOver(map: RunningMap): void {
    this.#maps.delete(map)
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#pump()
  }

  onIdle(timeout: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#isIdle) return Promise.resolve()
    if (timeout === 0) return Promise.reject(this.#idleWaiters.timedOut(undefined))
    return this.#idleWaiters.wait(undefined, timeout, signal)
  }

  get #isIdle(): boolean {
    return this.#isLineEmpty && this.running === 0
  }

  #tellIdle(): void {
    for (let waiter = this.#idleWaiters.takeLiveHead(); waiter !== undefined; waiter = this.#idleWaiters.takeLiveHead())
      waiter.resolve()
  }

  /** Takes on nothing more; what was taken on goes on, also if it was paused. */
  drain(): void {
    this.#closedError ??= new ClosedError('the manager is closed: it takes on no more tasks')
    for (const map of this.#maps) map.stop(this.#closedError)
    this.resume()
  }

  /** Ends all at once. */
  terminate(reason: unknown): void {
    const error = new ClosedError('the manager was terminated before the task was done', reason)
    this.#closedError = error
    for (const map of this.#maps) map.abort(error)
    for (const task of this.#line.removeAll()) this.#settle(task, 'cancelled', error)
    for (let task = this.#running.head; task !== undefined; ) {
      const { next } = task
      this.scopeOf(task).abort(error)
      task = next
    }
    this.resume()
  }

  #publish(task: ManagedTask, event: string): void {
    taskChannel.publish({ event, id: task.submission?.id, running: this.running, queued: this.queued })
  }
}
