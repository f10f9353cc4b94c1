import { AsyncSemaphore, type AsyncSemaphoreGuard } from '@heddle/async-patterns'
import { afterEach, expect, jest, test } from '@jest/globals'
import fc from 'fast-check'
import { NaiveSemaphore } from './support/naive-semaphore.js'
import { drain } from './support/observe.js'

afterEach(() => {
  jest.useRealTimers()
})

const bound = 5
const signals = 3
const permits = fc.integer({ min: 1, max: bound + 1 })
const timeout = fc.constantFrom(0, 1, 2, 3, 5, Number.POSITIVE_INFINITY)
const is = <Op extends string>(op: Op) => fc.constant(op)

const operation = fc.oneof(
  {
    weight: 40,
    arbitrary: fc.record(
      { op: is('acquire'), permits, signal: fc.nat(signals - 1), timeout },
      { requiredKeys: ['op', 'permits'] },
    ),
  },
  { weight: 5, arbitrary: fc.record({ op: is('tryAcquire'), permits }) },
  { weight: 15, arbitrary: fc.record({ op: is('release'), permits: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 25, arbitrary: fc.record({ op: is('releaseGuard'), which: fc.nat() }) },
  { weight: 5, arbitrary: fc.record({ op: is('detachGuard'), which: fc.nat() }) },
  { weight: 10, arbitrary: fc.record({ op: is('abort'), signal: fc.nat(signals - 1) }) },
  { weight: 10, arbitrary: fc.record({ op: is('pass'), ms: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 30, arbitrary: fc.record({ op: is('drain') }) },
  { weight: 1, arbitrary: fc.record({ op: is('close') }) },
)
type Operation = typeof operation extends fc.Arbitrary<infer Value> ? Value : never

const codeOf = (error: unknown) => (error as { code?: unknown }).code

/** What a call returned, 'done' for nothing, or the code of what it threw. */
function outcomeOf<Result>(call: () => Result): unknown {
  try {
    return call() ?? 'done'
  } catch (error) {
    return codeOf(error)
  }
}

/** Does the same with both, and notes what could be seen of each after every operation. */
async function runBoth(
  initial: number,
  operations: readonly Operation[],
): Promise<[real: unknown[], naive: unknown[]]> {
  const real = new AsyncSemaphore(initial, { maxPermits: bound })
  const naive = new NaiveSemaphore(initial, bound)
  const seen: [unknown[], unknown[]] = [[], []]
  const note = (ofReal: unknown, ofNaive: unknown) => {
    seen[0].push(ofReal)
    seen[1].push(ofNaive)
  }

  const controllers = Array.from({ length: signals }, () => new AbortController())
  const guards: { id: number; guard: AsyncSemaphoreGuard }[] = []
  const endings: Record<number, unknown> = {}
  const follow = (id: number, promise: Promise<AsyncSemaphoreGuard>) =>
    promise.then(
      (guard) => {
        guards.push({ id, guard })
        endings[id] = 'granted'
      },
      (reason: unknown) => {
        endings[id] = reason === 'aborted' ? reason : codeOf(reason)
      },
    )

  for (const [id, operation] of [...operations, { op: 'drain' as const }].entries()) {
    switch (operation.op) {
      case 'acquire': {
        const { permits, signal, timeout } = operation
        const options = { timeout, signal: signal === undefined ? signal : controllers[signal]?.signal }
        void follow(id, real.acquire(permits, options))
        naive.acquire(id, permits, signal, timeout)
        break
      }
      case 'tryAcquire': {
        let guard: AsyncSemaphoreGuard | undefined
        const outcome = outcomeOf(() => {
          guard = real.tryAcquire(operation.permits)
          return guard ? 'done' : 'refused'
        })
        if (guard) void follow(id, Promise.resolve(guard))
        note(outcome, naive.tryAcquire(id, operation.permits))
        break
      }
      case 'release':
        note(
          outcomeOf(() => real.release(operation.permits)),
          naive.release(operation.permits),
        )
        break
      case 'releaseGuard':
      case 'detachGuard': {
        const chosen = guards[operation.which % guards.length]
        if (chosen === undefined) break
        const { id, guard } = chosen
        const { op } = operation
        note(
          outcomeOf(() => (op === 'releaseGuard' ? guard.release() : guard.detach())),
          op === 'releaseGuard' ? naive.releaseGuard(id) : naive.detachGuard(id),
        )
        note([guard.held, guard.permits], naive.guard(id))
        break
      }
      case 'abort':
        controllers[operation.signal]?.abort('aborted')
        controllers[operation.signal] = new AbortController()
        naive.abort(operation.signal)
        break
      case 'pass':
        jest.advanceTimersByTime(operation.ms)
        naive.pass(operation.ms)
        break
      case 'close':
        real.close()
        naive.close()
        break
      case 'drain':
        await drain()
        note({ ...endings }, { ...naive.endings })
        note(
          guards.map(({ id }) => id),
          [...naive.grants],
        )
        note(jest.getTimerCount(), naive.timers)
    }
    note(
      { op: operation.op, free: real.availablePermits, waiting: real.waiting },
      { op: operation.op, free: naive.free, waiting: naive.waiting.length },
    )
  }
  real.close()
  await drain()
  return seen
}

test('does in every sequence of calls what the naive semaphore does, and serves in its order', async () => {
  jest.useFakeTimers()
  await fc.assert(
    fc.asyncProperty(
      fc.nat(bound),
      fc.array(operation, { maxLength: 60, size: 'max' }),
      async (initial, operations) => {
        const [real, naive] = await runBoth(initial, operations)
        expect(real).toEqual(naive)
      },
    ),
    { numRuns: 300 },
  )
})
