import { ClosedError, invalidArgument, outOfRange, QueueFullError, TimeoutError } from '../errors.js'
import {
  checkIsObject,
  describe,
  milliseconds,
  signalOf,
  timeoutOf,
  wholeNumber,
  wholeNumberOrInfinity,
} from '../options.js'
import { channel } from '../platform/diagnostics.js'
import { isTurnDue, nextTurn } from '../platform/event-loop.js'
import { Deadline } from '../waiting/deadline.js'
import { Line, type Turn } from './line.js'
import { mostPermits, type Quota } from './quota.js'
import { type AsyncRateLimiterOptions, checkRate, type RateAcquireOptions } from './rate-options.js'
import { type RateReservation, Reservation } from './rate-reservation.js'
import { SlidingLog } from './sliding-log.js'
import { type SteadyClock, steadyClock } from './steady-clock.js'
import { TokenBucket } from './token-bucket.js'

const waits = channel('wait')

/**
 * Lets through `rate` permits in each `per` milliseconds, and has everybody else wait in order.
 *
 * Two ways to count. By default a bucket of `burst` permits that is refilled at an even rate: after a rest `burst` can be had
 * at once, so a stretch of time can see `burst` more than its share. With `strict` a log of the last `per` milliseconds: no
 * stretch of that length ever sees more than `rate`, also by the clock of those who were let through, but a whole period's
 * permits may come at its beginning. {@link AsyncRateLimiter.bound} says what to expect of either.
 *
 * Fairness: strict order of asking, whatever the permits. Whoever asks for many is not passed by later ones who ask for few.
 * Permits are taken when they are granted and not before: who gives up has used none, and those behind move up.
 * An object is of this thread alone.
 */
export class AsyncRateLimiter {
  // More than 300 lines: one class, half of which is the contract of its methods; quota and line have files of their own.
  /*
   * Invariant: while somebody stands in the line, and no method of ours is running, and we are not resting between two
   * turns of the event loop, #wake is set for the moment at which the permits of the first are there, unless that never comes.
   * Invariant: #wake is undefined while nobody stands in the line. A closed limiter has nobody in its line.
   * Source: Go, golang.org/x/time/rate, https://pkg.go.dev/golang.org/x/time/rate (try, reserve, wait; a wait that cannot
   * succeed fails at once)
   * Differs: permits are taken at the grant and not at the asking, so a cancellation has nothing to give back.
   */
  readonly #clock: SteadyClock
  readonly #quota: Quota
  readonly #line = new Line((mayRest) => this.#serve(mayRest))
  readonly #maxWaiting: number
  #wake: Deadline | undefined
  #isResting = false
  #isClosed = false
  #closeReason: unknown

  /**
   * Makes a limiter with all its permits there. Does not block.
   *
   * @param rate - permits in each `per` milliseconds, 0 or more, fractions allowed; with 0 there is the burst and no more. In
   * strict mode a fraction beyond 1 is dropped, and a rate below 1 is one permit in `per / rate` milliseconds
   * @param per - milliseconds, more than 0
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad numbers or options, or both `burst` and `strict`
   */
  constructor(rate: number, per: number, options: AsyncRateLimiterOptions = {}) {
    checkIsObject(options)
    checkRate(rate, per)
    const { burst, strict = false, clock, maxWaiting } = options
    if (burst !== undefined) wholeNumber('burst', burst, 1, mostPermits)
    if (typeof strict !== 'boolean') throw invalidArgument(`strict must be a boolean, not ${describe(strict)}`)
    if (strict && burst !== undefined)
      throw invalidArgument('burst has no place in strict mode, where the rate itself is the most')
    this.#maxWaiting = wholeNumberOrInfinity('maxWaiting', maxWaiting ?? Number.POSITIVE_INFINITY, 0)
    this.#clock = steadyClock(clock)
    this.#quota = strict
      ? new SlidingLog(rate, per, () => this.#clock.now())
      : new TokenBucket(rate, per, burst, this.#clock.now())
  }

  /**
   * Takes `permits` permits if that needs no waiting: so many are there, and nobody waits. Does not block.
   *
   * @param permits - whole number, 1 to `burst`; default 1
   * @returns whether they were taken
   * @throws ClosedError `ERR_CLOSED`: the limiter is closed; nothing was taken
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad number; nothing was taken
   */
  tryAcquire(permits = 1): boolean {
    if (permits !== 1) this.#weight(permits)
    if (this.#isClosed) throw this.#closedError()
    return this.#line.size === 0 && this.#quota.take(permits, this.#clock.now())
  }

  /**
   * Takes one permit, or `options.permits` of them all at once, when they are there and everybody who asked earlier was served.
   *
   * Does not block the thread. A pending call keeps the process alive. When it is clear at the time of asking that the permits
   * cannot come within the timeout, it rejects at once and nobody waits for it. A timeout counts from the asking, by the moment
   * at which the permits were there: one that the event loop is late to grant is granted.
   *
   * @param options.permits - whole number, 1 to `burst`; default 1
   * @param options.timeout - milliseconds, 0 or more; default: wait for ever; 0 tries once
   * @throws (rejects) TimeoutError `ERR_TIMEOUT`: cannot be there in time, or was not; nothing was taken
   * @throws (rejects) QueueFullError `ERR_TIMEOUT`: `maxWaiting` wait already; nothing was taken
   * @throws (rejects) the reason of `options.signal` as given, when it aborts; nothing was taken
   * @throws (rejects) ClosedError `ERR_CLOSED`: the limiter is closed, or was while waiting; nothing was taken
   * @throws (rejects) RangeError `ERR_OUT_OF_RANGE`: bad numbers, or more permits than `burst`, which could never be there at
   * once; also when {@link AsyncRateLimiter.setRate} makes `burst` smaller than what is waited for; nothing was taken
   * @throws (rejects) TypeError `ERR_INVALID_ARG`: arguments of a wrong kind; nothing was taken
   */
  // Not an async function: what needs no waiting costs one promise.
  acquire(options?: RateAcquireOptions): Promise<void> {
    try {
      const timeout = timeoutOf(options)
      const signal = signalOf(options)
      const permits = options?.permits === undefined ? 1 : this.#weight(options.permits)
      if (signal?.aborted) return Promise.reject(signal.reason)
      if (this.#isClosed) return Promise.reject(this.#closedError())
      const now = this.#clock.now()
      if (this.#line.size === 0 && this.#quota.takeForPromise(permits, now)) return Promise.resolve()
      const dueIn = this.#quota.dueIn(this.#line.permits + permits, now)
      if (timeout === 0 || dueIn > timeout) return Promise.reject(timedOut())
      const turn = this.#enter(permits, dueIn, now)
      const promise = turn.promise({ signal, timeout, timedOut }, this.#clock)
      if (waits.hasSubscribers) waits.publish({ kind: 'AsyncRateLimiter', object: this, waiting: this.#line.size })
      return promise
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Takes a place in the line without waiting. The permits are taken when they are due, whether or not anybody looks; what is
   * done with them, and when, is the owner's matter. Does not block. Until then the process is kept alive as by a wait.
   *
   * @param permits - whole number, 1 to `burst`; default 1
   * @throws QueueFullError `ERR_TIMEOUT`: `maxWaiting` wait already; nothing was taken
   * @throws ClosedError `ERR_CLOSED`: the limiter is closed; nothing was taken
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad number; nothing was taken
   */
  reserve(permits = 1): RateReservation {
    this.#weight(permits)
    if (this.#isClosed) throw this.#closedError()
    const now = this.#clock.now()
    if (this.#line.size === 0 && this.#quota.take(permits, now))
      return new Reservation(undefined, this.#line, this.#delayOf)
    const turn = this.#enter(permits, this.#quota.dueIn(this.#line.permits + permits, now), now)
    return new Reservation(turn, this.#line, this.#delayOf)
  }

  /**
   * Changes the rate from now on; those who wait are served by the new one, in their order. Does not block. Permits that are
   * there stay, as far as the burst has room; a burst that was not given follows the rate. Who waits for more permits than
   * can be there at once any more is rejected with RangeError `ERR_OUT_OF_RANGE`; its reservation is gone.
   *
   * @param rate - as for the constructor
   * @param per - milliseconds, more than 0; default: as it is
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad numbers; state unchanged
   */
  setRate(rate: number, per = this.#quota.per): void {
    checkRate(rate, per)
    const now = this.#clock.now()
    this.#quota.setRate(rate, per, now)
    let wanted = 0
    for (let turn = this.#line.head; turn !== undefined; ) {
      const { next, permits } = turn
      if (permits > this.burst) this.#line.refuse(turn, tooMany(permits, this.burst))
      else {
        wanted += permits
        turn.due = now + this.#quota.dueIn(wanted, now)
      }
      turn = next
    }
    this.#serve()
  }

  /**
   * The most permits that any stretch of `windowMs` milliseconds can see, its end included and its beginning not, while the
   * rate stays as it is: the burst and what comes in that time; in strict mode `rate` for each `per` that was begun.
   * A permit counts from its grant, in strict mode from the moment its owner goes on, if it goes on at once.
   *
   * @throws TypeError `ERR_INVALID_ARG`, RangeError `ERR_OUT_OF_RANGE`: bad number
   */
  bound(windowMs: number): number {
    return this.#quota.bound(milliseconds('windowMs', windowMs))
  }

  /**
   * Ends all waiting: pending acquisitions reject at once, with one ClosedError `ERR_CLOSED` for all of them, and later ones
   * as soon as they are made; reservations that are not ready are gone. No timer stays. Does not block. A second call does
   * nothing, and its reason is not used.
   *
   * @param reason - the `cause` of those errors; undefined: they have none
   */
  close(reason?: unknown): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#closeReason = reason
    this.#wake?.cancel()
    this.#wake = undefined
    const error = this.#closedError()
    for (let head = this.#line.head; head !== undefined; head = this.#line.head) this.#line.refuse(head, error)
  }

  /** As {@link AsyncRateLimiter.close}. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** The number of whole permits that are there: a snapshot. There can be some while somebody waits, who wants more than that. */
  get availablePermits(): number {
    return this.#quota.available(this.#clock.now())
  }

  /** How many wait, or have a reservation that is not ready: a snapshot. */
  get waiting(): number {
    return this.#line.size
  }

  /** Permits in each `per` milliseconds. */
  get rate(): number {
    return this.#quota.rate
  }

  /** Milliseconds. */
  get per(): number {
    return this.#quota.per
  }

  /** The most permits that can be had at once; in strict mode, in any `per` milliseconds. */
  get burst(): number {
    return this.#quota.burst
  }

  /** Milliseconds until all permits are there, if nobody asks for more; 0 or less: this limiter is as good as new. @internal */
  get idleIn(): number {
    const fullIn = this.#quota.fullIn(this.#clock.now())
    return this.#line.size > 0 ? Math.max(1, fullIn) : fullIn
  }

  #weight(permits: unknown): number {
    const { burst } = this.#quota
    if (typeof permits === 'number' && permits > burst) throw tooMany(permits, burst)
    return wholeNumber('permits', permits, 1, burst)
  }

  #enter(permits: number, dueIn: number, now: number): Turn {
    if (this.#line.size >= this.#maxWaiting)
      throw new QueueFullError(permits, `${this.#maxWaiting} wait already, and more may not`)
    const turn = this.#line.push(permits, now + dueIn)
    if (turn === this.#line.head) this.#wakeIn(dueIn)
    return turn
  }

  readonly #delayOf = (turn: Turn): number =>
    Math.max(0, this.#quota.dueIn(this.#line.permitsUpTo(turn), this.#clock.now()))

  /**
   * Grants all that are due in one pass, and has itself called when the next one is.
   *
   * @param mayRest - false: somebody's time is over, and what was due before is not to wait for a turn of the event loop
   */
  #serve(mayRest = true): void {
    if (this.#isResting && mayRest) return
    this.#wake?.cancel()
    this.#wake = undefined
    const now = this.#clock.now()
    for (let turn = this.#line.head; turn !== undefined; turn = this.#line.head) {
      const dueIn = this.#quota.dueIn(turn.permits, now)
      if (turn.isAborting) this.#line.refuse(turn)
      // Both moments have passed, and the timers are late or fired in any order: what was first decides.
      else if (now >= turn.deadline && Math.min(turn.due, now + dueIn) > turn.deadline)
        this.#line.refuse(turn, timedOut())
      else if (!this.#quota.takeForPromise(turn.permits, now)) {
        this.#wakeIn(dueIn)
        return
      } else this.#line.grant(turn)
      if (isTurnDue() && mayRest) {
        this.#rest()
        return
      }
    }
  }

  /** Lets timers and input have their turn in a long pass. */
  #rest(): void {
    this.#isResting = true
    nextTurn(() => {
      this.#isResting = false
      this.#serve()
    })
  }

  #wakeIn(ms: number): void {
    if (ms === Number.POSITIVE_INFINITY) return
    this.#wake = new Deadline(Math.max(0, ms), { onDeadline: () => this.#serve() }, this.#clock)
  }

  #closedError(): ClosedError {
    return new ClosedError('the rate limiter is closed', this.#closeReason)
  }
}

function tooMany(permits: number, burst: number): RangeError {
  return outOfRange(`${permits} permits can never be there at once, the most is ${burst}`)
}

function timedOut(): TimeoutError {
  return new TimeoutError('what was asked of the rate limiter cannot be had in time')
}
