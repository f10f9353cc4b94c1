import { AsyncRateLimiter, type RateReservation } from '@heddle/async-patterns'
import fc from 'fast-check'
import { drain, FakeClock } from './fake-clock.ts'
import { NaiveRateLimiter } from './naive-rate-limiter.ts'

const signals = 3
// Powers of two: every sum and product is exact, so the limiter and its twin agree to the last bit.
const rate = fc.constantFrom(0, 0.25, 0.5, 1, 2, 4, 8)
const per = fc.constantFrom(4, 8, 16)
const permits = fc.constantFrom(1, 1, 1, 2, 3, 5)
const timeout = fc.constantFrom(0, 1, 2, 5, 9, 20, Number.POSITIVE_INFINITY)
const is = <Op extends string>(op: Op) => fc.constant(op)

const askings = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record(
      { op: is('acquire'), permits, signal: fc.nat(signals - 1), timeout },
      { requiredKeys: ['op', 'permits'] },
    ),
  },
  { weight: 3, arbitrary: fc.record({ op: is('tryAcquire'), permits }) },
  { weight: 3, arbitrary: fc.record({ op: is('reserve'), permits }) },
)
const events = fc.oneof(
  { weight: 3, arbitrary: fc.record({ op: is('cancel'), which: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ op: is('abort'), signal: fc.nat(signals - 1) }) },
  { weight: 2, arbitrary: fc.record({ op: is('setRate'), rate, per }) },
  { weight: 1, arbitrary: fc.record({ op: is('close') }) },
)
const times = fc.oneof(
  { weight: 8, arbitrary: fc.record({ op: is('pass'), ms: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ op: is('block'), ms: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ op: is('jumpBack'), ms: fc.integer({ min: 1, max: 1_000 }) }) },
)
const limiterOptions = fc.record({
  rate,
  per,
  strict: fc.boolean(),
  burst: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
  maxWaiting: fc.constantFrom(2, Number.POSITIVE_INFINITY),
})

type ValueOf<Arbitrary> = Arbitrary extends fc.Arbitrary<infer Value> ? Value : never
type Operation = ValueOf<typeof askings> | ValueOf<typeof events> | ValueOf<typeof times>

/** A limiter and its naive twin, to which the same is done. */
class Both {
  readonly #clock = new FakeClock(12_345)
  readonly #real: AsyncRateLimiter
  readonly #naive: NaiveRateLimiter
  #controllers = Array.from({ length: signals }, () => new AbortController())
  readonly #reservations = new Map<number, RateReservation>()
  readonly #endings: Record<number, unknown> = {}
  readonly #grants: number[] = []
  readonly #granted: { at: number; permits: number }[] = []
  #isRateOld = true
  #lastId = 0

  constructor(options: ValueOf<typeof limiterOptions>) {
    const { rate, per, strict, burst, maxWaiting } = options
    const ownBurst = strict ? undefined : burst
    this.#real = new AsyncRateLimiter(rate, per, { strict, burst: ownBurst, maxWaiting, clock: this.#clock })
    this.#naive = new NaiveRateLimiter({ ...options, burst: ownBurst })
  }

  async perform(operation: Operation): Promise<void> {
    const id = ++this.#lastId
    const real = this.#real
    const naive = this.#naive
    switch (operation.op) {
      case 'acquire': {
        const { permits, signal, timeout } = operation
        const options = {
          permits,
          timeout,
          signal: signal === undefined ? undefined : this.#controllers[signal]?.signal,
        }
        real.acquire(options).then(
          () => this.#onGrant(id, permits),
          (reason: unknown) => {
            this.#endings[id] = reason === 'aborted' ? reason : codeOf(reason)
          },
        )
        naive.acquire(id, permits, signal, timeout)
        break
      }
      case 'tryAcquire': {
        const { permits } = operation
        const outcome = outcomeOf(() => (real.tryAcquire(permits) ? 'done' : 'refused'))
        if (outcome === 'done') this.#onGrant(id, permits)
        same('tryAcquire', outcome, naive.tryAcquire(id, permits))
        break
      }
      case 'reserve': {
        const outcome = outcomeOf(() => {
          this.#reservations.set(id, real.reserve(operation.permits))
          return 'done'
        })
        same('reserve', outcome, naive.reserve(id, operation.permits))
        break
      }
      case 'cancel': {
        const ids = [...this.#reservations.keys()]
        const chosen = ids[operation.which % ids.length]
        if (chosen === undefined) break
        same('cancel', this.#reservations.get(chosen)?.cancel(), naive.cancel(chosen))
        break
      }
      case 'abort':
        this.#controllers[operation.signal]?.abort('aborted')
        this.#controllers[operation.signal] = new AbortController()
        naive.abort(operation.signal)
        break
      case 'setRate':
        this.#isRateOld = false
        real.setRate(operation.rate, operation.per)
        naive.setRate(operation.rate, operation.per)
        break
      case 'close':
        real.close()
        naive.close()
        break
      case 'pass':
        await this.#clock.pass(operation.ms)
        naive.pass(operation.ms)
        break
      case 'block':
        await this.#clock.block(operation.ms)
        naive.block(operation.ms)
        break
      case 'jumpBack':
        this.#clock.jump(-operation.ms)
    }
    await drain()
    this.#compare(operation.op)
  }

  async end(): Promise<void> {
    await this.perform({ op: 'pass', ms: 100 })
    await this.perform({ op: 'close' })
    same('timers in the end', this.#clock.timers, 0)
    if (this.#isRateOld) this.#checkBound()
  }

  #onGrant(id: number, permits: number): void {
    this.#endings[id] = 'granted'
    this.#grants.push(id)
    this.#granted.push({ at: this.#clock.elapsed, permits })
  }

  #compare(op: string): void {
    const real = this.#real
    const naive = this.#naive
    const reserved = [...this.#reservations.keys()]
    same(
      `delays after ${op}`,
      reserved.map((id) => this.#reservations.get(id)?.delay),
      reserved.map((id) => naive.delay(id)),
    )
    const isReserved = (id: number) => this.#reservations.has(id)
    const endings = Object.entries(naive.endings).filter(([id]) => !isReserved(Number(id)))
    same(`endings after ${op}`, this.#endings, Object.fromEntries(endings))
    same(
      `order after ${op}`,
      this.#grants,
      naive.grants.filter((id) => !isReserved(id)),
    )
    same(
      `ready after ${op}`,
      reserved.map((id) => this.#reservations.get(id)?.ready),
      reserved.map((id) => naive.endings[id] === 'granted'),
    )
    same(
      `state after ${op}`,
      [real.availablePermits, real.waiting, real.rate, real.per, real.burst, this.#clock.timers],
      [naive.available, naive.line.length, naive.rate, naive.per, naive.burst, naive.timers],
    )
  }

  /** Every stretch that ends with a grant: others see less. */
  #checkBound(): void {
    for (const length of [1, 3, this.#real.per, 2 * this.#real.per])
      for (const { at: end } of this.#granted) {
        const within = this.#granted.filter(({ at }) => at > end - length && at <= end)
        const sum = within.reduce((total, { permits }) => total + permits, 0)
        if (sum > this.#real.bound(length))
          throw new Error(`${sum} permits in the ${length} ms up to ${end}, the bound is ${this.#real.bound(length)}`)
      }
  }
}

const codeOf = (error: unknown) => (error as { code?: unknown }).code

function outcomeOf(call: () => string): unknown {
  try {
    return call()
  } catch (error) {
    return codeOf(error)
  }
}

function same(what: string, real: unknown, naive: unknown): void {
  if (isSame(real, naive)) return
  throw new Error(`${what}: ${fc.stringify(real)}, the twin has ${fc.stringify(naive)}`)
}

/** Of plain data. */
function isSame(first: unknown, second: unknown): boolean {
  if (typeof first !== 'object' || typeof second !== 'object' || first === null || second === null)
    return first === second
  const [keys, others] = [Object.keys(first), Object.keys(second)]
  const at = (value: object, key: string): unknown => value[key as keyof typeof value]
  return keys.length === others.length && keys.every((key) => isSame(at(first, key), at(second, key)))
}

/**
 * Does in random orders the same to a limiter and to its naive twin, on a clock that is moved by hand, and compares all that
 * can be seen after each step: two who ask, one who aborts, cancels, changes the rate and closes, and the time.
 *
 * @throws an error with the seed, the steps and their order, if they differ
 */
export async function rateLimiterModel(options: { runs: number; seed?: number }): Promise<void> {
  const { runs, seed } = options
  const some = <Value>(arbitrary: fc.Arbitrary<Value>, maxLength: number) =>
    fc.array(arbitrary, { maxLength, size: 'max' })
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      limiterOptions,
      fc.tuple(some(askings, 12), some(askings, 12), some(events, 6), some(times, 12)),
      async (scheduler, options, actors) => {
        const both = new Both(options)
        let running: Promise<void> = Promise.resolve()
        const act = async (operations: readonly Operation[]): Promise<void> => {
          for (const operation of operations) {
            await scheduler.schedule(Promise.resolve(), operation.op)
            running = both.perform(operation)
            await running
          }
        }
        const all = Promise.all(actors.map(act))
        // A failure is thrown below, after the step that met it.
        all.catch(() => undefined)
        await drain()
        while (scheduler.count() > 0) {
          await scheduler.waitOne()
          await drain()
          await running
          await drain()
        }
        await all
        await both.end()
      },
    ),
    { numRuns: runs, ...(seed === undefined ? {} : { seed }) },
  )
}
