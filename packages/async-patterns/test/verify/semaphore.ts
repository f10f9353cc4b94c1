import { AsyncSemaphore, type AsyncSemaphoreGuard } from '@heddle/async-patterns'
import fc from 'fast-check'
import type { FakeClock } from './fake-clock.ts'
import { label, playScripts, same, script, settle, withFakeTime } from './model.ts'
import { NaiveSemaphore } from './naive-semaphore.ts'

const bound = 5
const signals = 3
const permits = fc.integer({ min: 1, max: bound + 1 })
const timeout = fc.constantFrom(0, 1, 2, 3, 5, Number.POSITIVE_INFINITY)
const is = <Op extends string>(op: Op) => fc.constant(op)

const askings = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record(
      { op: is('acquire'), permits, signal: fc.nat(signals - 1), timeout },
      { requiredKeys: ['op', 'permits'] },
    ),
  },
  { weight: 1, arbitrary: fc.record({ op: is('tryAcquire'), permits }) },
)
const releases = fc.oneof(
  { weight: 3, arbitrary: fc.record({ op: is('release'), permits: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 5, arbitrary: fc.record({ op: is('releaseGuard'), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ op: is('detachGuard'), which: fc.nat() }) },
)
const events = fc.oneof(
  { weight: 10, arbitrary: fc.record({ op: is('abort'), signal: fc.nat(signals - 1) }) },
  { weight: 1, arbitrary: fc.record({ op: is('close') }) },
)
const times = fc.record({ op: is('pass'), ms: fc.integer({ min: 1, max: 4 }) })

type ValueOf<Arbitrary> = Arbitrary extends fc.Arbitrary<infer Value> ? Value : never
type Operation = ValueOf<typeof askings> | ValueOf<typeof releases> | ValueOf<typeof events> | ValueOf<typeof times>

/** What a call returned, 'done' for nothing, or the code of what it threw. */
function outcomeOf(call: () => unknown): unknown {
  try {
    return call() ?? 'done'
  } catch (error) {
    return label(error)
  }
}

/** A semaphore and its naive twin, to which the same is done. */
class Both {
  readonly #clock: FakeClock
  readonly #real: AsyncSemaphore
  readonly #naive: NaiveSemaphore
  readonly #controllers = Array.from({ length: signals }, () => new AbortController())
  readonly #guards: { readonly id: number; readonly guard: AsyncSemaphoreGuard }[] = []
  readonly #endings: Record<number, string> = {}
  #lastId = 0

  constructor(clock: FakeClock, initial: number) {
    this.#clock = clock
    this.#real = new AsyncSemaphore(initial, { maxPermits: bound })
    this.#naive = new NaiveSemaphore(initial, bound)
  }

  async play(step: readonly Operation[]): Promise<void> {
    for (const operation of step) {
      if (operation.op === 'pass') {
        await this.#clock.pass(operation.ms)
        this.#naive.pass(operation.ms)
      } else this.#perform(operation)
      same(
        `state after ${operation.op}`,
        [this.#real.availablePermits, this.#real.waiting],
        [this.#naive.free, this.#naive.waiting.length],
      )
    }
    await settle()
    const after = step.map(({ op }) => op).join()
    same(`endings after ${after}`, this.#endings, this.#naive.endings)
    const grants = this.#guards.map(({ id }) => id)
    same(`order after ${after}`, grants, this.#naive.grants)
    same(`timers after ${after}`, this.#clock.timers, this.#naive.timers)
  }

  #perform(operation: Exclude<Operation, ValueOf<typeof times>>): void {
    const real = this.#real
    const naive = this.#naive
    const id = ++this.#lastId
    switch (operation.op) {
      case 'acquire': {
        const { permits, signal, timeout } = operation
        const own = signal === undefined ? undefined : this.#controllers[signal]?.signal
        this.#follow(id, real.acquire(permits, { timeout, signal: own }))
        naive.acquire(id, permits, signal, timeout)
        break
      }
      case 'tryAcquire': {
        const outcome = outcomeOf(() => {
          const guard = real.tryAcquire(operation.permits)
          if (guard !== undefined) this.#follow(id, Promise.resolve(guard))
          return guard === undefined ? 'refused' : 'done'
        })
        same('tryAcquire', outcome, naive.tryAcquire(id, operation.permits))
        break
      }
      case 'release': {
        const outcome = outcomeOf(() => real.release(operation.permits))
        same('release', outcome, naive.release(operation.permits))
        break
      }
      case 'releaseGuard':
      case 'detachGuard': {
        const chosen = this.#guards[operation.which % this.#guards.length]
        if (chosen === undefined) break
        const { id, guard } = chosen
        if (operation.op === 'releaseGuard')
          same(
            'guard.release',
            outcomeOf(() => guard.release()),
            naive.releaseGuard(id),
          )
        else
          same(
            'guard.detach',
            outcomeOf(() => guard.detach()),
            naive.detachGuard(id),
          )
        same('guard', [guard.held, guard.permits], naive.guard(id))
        break
      }
      case 'abort':
        this.#controllers[operation.signal]?.abort('aborted')
        this.#controllers[operation.signal] = new AbortController()
        naive.abort(operation.signal)
        break
      case 'close':
        real.close()
        naive.close()
    }
  }

  #follow(id: number, promise: Promise<AsyncSemaphoreGuard>): void {
    promise.then(
      (guard) => {
        this.#guards.push({ id, guard })
        this.#endings[id] = 'granted'
      },
      (reason: unknown) => {
        this.#endings[id] = label(reason)
      },
    )
  }
}

/**
 * Does in random orders the same to a semaphore and to its naive twin, on a clock that is moved by hand, and compares all
 * that can be seen after each step: two who ask, one who releases, one who aborts and closes, and the time.
 *
 * @throws an error with the seed, the steps and their order, if they differ
 */
export async function semaphoreModel(options: { runs: number; seed?: number }): Promise<void> {
  const { runs, seed } = options
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.nat(bound),
      fc.tuple(
        script<Operation>(askings, 12),
        script<Operation>(askings, 12),
        script<Operation>(releases, 16),
        script<Operation>(events, 5),
        script<Operation>(times, 6),
      ),
      (scheduler, initial, scripts) =>
        withFakeTime(async (clock) => {
          const both = new Both(clock, initial)
          await playScripts(scheduler, scripts, (step) => both.play(step))
          await both.play([{ op: 'close' }])
          same('timers in the end', clock.timers, 0)
        }),
    ),
    { numRuns: runs, ...(seed === undefined ? {} : { seed }) },
  )
}
