import { AsyncMutex, type AsyncMutexGuard } from '@heddle/async-patterns'
import fc from 'fast-check'
import { drain, type FakeClock } from './fake-clock.ts'
import { label, playScripts, type Script, same, script, withFakeTime } from './model.ts'

const signals = 3
const timeout = fc.constantFrom(0, 1, 2, 3, 5, Number.POSITIVE_INFINITY)
const signal = fc.nat(signals - 1)
const is = <Op extends string>(op: Op) => fc.constant(op)
const asks = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: is('acquire'), signal, timeout }, { requiredKeys: ['op'] }) },
  { weight: 3, arbitrary: fc.record({ op: is('runExclusive'), signal, timeout }, { requiredKeys: ['op'] }) },
  { weight: 2, arbitrary: fc.record({ op: is('tryAcquire') }) },
)
const releases = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: is('release') }) },
  { weight: 3, arbitrary: fc.record({ op: is('endRun') }) },
  { weight: 1, arbitrary: fc.record({ op: is('releaseAgain'), which: fc.nat() }) },
)
const events = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: is('abort'), signal }) },
  { weight: 1, arbitrary: fc.record({ op: is('close') }) },
)
const times = fc.record({ op: is('pass'), ms: fc.integer({ min: 1, max: 4 }) })
type ValueOf<Arbitrary> = Arbitrary extends fc.Arbitrary<infer Value> ? Value : never
type Operation = ValueOf<typeof asks> | ValueOf<typeof releases> | ValueOf<typeof events> | ValueOf<typeof times>

const mixed: fc.Arbitrary<Operation> = fc.oneof<fc.Arbitrary<Operation>[]>(asks, releases, events)
const actors: fc.Arbitrary<readonly Script<Operation>[]> = fc.tuple(
  script(asks, 8),
  script(releases, 8),
  script(mixed, 8),
  script(times, 6),
)

/** The obvious slow mutex. */
class NaiveMutex {
  holder: number | undefined
  line: { readonly id: number; readonly signal: number | undefined; readonly deadline: number }[] = []
  readonly endings: Record<number, unknown> = {}
  readonly grants: number[] = []
  closed = false
  now = 0

  acquire(id: number, signal: number | undefined, timeout = Number.POSITIVE_INFINITY): void {
    if (this.closed) this.endings[id] = 'ERR_CLOSED'
    else if (this.holder === undefined) this.grant(id)
    else if (timeout === 0) this.endings[id] = 'ERR_TIMEOUT'
    else this.line.push({ id, signal, deadline: this.now + timeout })
  }

  tryAcquire(id: number): unknown {
    if (this.closed) return 'ERR_CLOSED'
    if (this.holder !== undefined) return undefined
    this.grant(id)
    return 'granted'
  }

  release(id: number): void {
    if (this.holder !== id) return
    this.holder = undefined
    const next = this.line.shift()
    if (next !== undefined) this.grant(next.id)
  }

  end(isMeant: (waiter: NaiveMutex['line'][number]) => boolean, ending: string): void {
    for (const { id } of this.line.filter(isMeant)) this.endings[id] = ending
    this.line = this.line.filter((waiter) => !isMeant(waiter))
  }

  pass(ms: number): void {
    this.now += ms
    this.end(({ deadline }) => deadline <= this.now, 'ERR_TIMEOUT')
  }

  grant(id: number): void {
    this.holder = id
    this.endings[id] = 'granted'
    this.grants.push(id)
  }

  get timers(): number {
    const timed = this.line.filter(({ deadline }) => deadline !== Number.POSITIVE_INFINITY).length
    return timed + (timed < this.line.length ? 1 : 0)
  }
}

/** A mutex and its naive twin, to which the same is done. */
class Both {
  readonly #clock: FakeClock
  readonly #real = new AsyncMutex()
  readonly #naive = new NaiveMutex()
  readonly #controllers = Array.from({ length: signals }, () => new AbortController())
  readonly #guards = new Map<number, AsyncMutexGuard>()
  /** How those who run exclusively end. */
  readonly #endRuns = new Map<number, () => void>()
  readonly #ending: number[] = []
  readonly #endings: Record<number, unknown> = {}
  readonly #grants: number[] = []
  #lastId = 0

  constructor(clock: FakeClock) {
    this.#clock = clock
  }

  async perform(step: readonly Operation[]): Promise<void> {
    for (const operation of step)
      if (operation.op === 'pass') await this.#pass(operation.ms)
      else this.#do(operation)
    await drain()
    // What keeps the process alive looks again a turn later.
    await drain()
    for (const id of this.#ending.splice(0)) this.#naive.release(id)
    this.#compare(step.map(({ op }) => op).join())
  }

  async end(): Promise<void> {
    await this.perform([{ op: 'close' }])
    await this.perform([{ op: 'release' }])
    same('the lock in the end', this.#real.locked, false)
    same('timers in the end', this.#clock.timers, 0)
  }

  async #pass(ms: number): Promise<void> {
    await drain()
    for (const id of this.#ending.splice(0)) this.#naive.release(id)
    await this.#clock.pass(ms)
    this.#naive.pass(ms)
  }

  #do(operation: Exclude<Operation, { readonly op: 'pass' }>): void {
    const id = ++this.#lastId
    const real = this.#real
    const naive = this.#naive
    const { holder = 0 } = naive
    // Unknown when the holder was not told yet.
    const guard = this.#guards.get(holder)
    switch (operation.op) {
      case 'acquire':
        this.#follow(
          id,
          real.acquire(this.#options(operation)).then((guard) => this.#onGrant(id, guard)),
        )
        naive.acquire(id, operation.signal, operation.timeout)
        break
      case 'runExclusive': {
        const run = (guard: AsyncMutexGuard) =>
          new Promise<void>((resolve) => {
            this.#onGrant(id, guard)
            this.#endRuns.set(id, resolve)
          })
        this.#follow(id, real.runExclusive(run, this.#options(operation)))
        naive.acquire(id, operation.signal, operation.timeout)
        break
      }
      case 'tryAcquire': {
        const outcome = outcomeOf(() => {
          const guard = real.tryAcquire()
          if (guard === undefined) return undefined
          this.#onGrant(id, guard)
          return 'granted'
        })
        same('tryAcquire', outcome, naive.tryAcquire(id))
        break
      }
      case 'release':
        if (guard === undefined) break
        guard.release()
        naive.release(holder)
        break
      case 'endRun':
        // It ends some microtasks later.
        this.#endRuns.get(holder)?.()
        if (this.#endRuns.has(holder)) this.#ending.push(holder)
        break
      case 'releaseAgain': {
        const released = [...this.#guards].filter(([id]) => id !== holder)
        released[operation.which % released.length]?.[1].release()
        break
      }
      case 'abort':
        this.#controllers[operation.signal]?.abort('aborted')
        this.#controllers[operation.signal] = new AbortController()
        naive.end(({ signal }) => signal === operation.signal, 'aborted')
        break
      case 'close':
        real.close()
        naive.closed = true
        naive.end(() => true, 'ERR_CLOSED')
    }
  }

  #options(operation: { readonly signal?: number; readonly timeout?: number }) {
    const { signal, timeout } = operation
    if (signal === undefined && timeout === undefined) return undefined
    return { timeout, signal: signal === undefined ? undefined : this.#controllers[signal]?.signal }
  }

  #onGrant(id: number, guard: AsyncMutexGuard): void {
    if (!guard.held) throw new Error(`the guard of ${id} does not hold`)
    this.#guards.set(id, guard)
    this.#grants.push(id)
    this.#endings[id] = 'granted'
  }

  #follow(id: number, promise: Promise<void>): void {
    promise.catch((reason: unknown) => {
      this.#endings[id] = label(reason)
    })
  }

  #compare(step: string): void {
    const real = this.#real
    const naive = this.#naive
    same(`endings after ${step}`, this.#endings, naive.endings)
    same(`order after ${step}`, this.#grants, naive.grants)
    const held = [...this.#guards].filter(([, guard]) => guard.held).map(([id]) => id)
    same(`guards after ${step}`, held, naive.holder === undefined ? [] : [naive.holder])
    same(
      `state after ${step}`,
      [real.locked, real.waiting, this.#clock.timers],
      [naive.holder !== undefined, naive.line.length, naive.timers],
    )
  }
}

function outcomeOf(call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    return label(error)
  }
}

/**
 * Does in random orders the same to a mutex and to its naive twin, on a clock that is moved by hand, and compares all that can
 * be seen after each turn: who asks in all forms, who releases, once and again, who aborts and closes, and the time.
 *
 * @throws an error with the seed, the steps and their order, if they differ
 */
export async function mutexModel(options: { runs: number; seed?: number }): Promise<void> {
  const { runs, seed } = options
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), actors, (scheduler, actors) =>
      withFakeTime(async (clock) => {
        const both = new Both(clock)
        await playScripts(scheduler, actors, (step) => both.perform(step))
        await both.end()
      }),
    ),
    { numRuns: runs, ...(seed === undefined ? {} : { seed }) },
  )
}
