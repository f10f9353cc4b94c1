import { equal } from 'node:assert/strict'
import { Mutex, type MutexGuard, Semaphore, type SemaphoreGuard, ThreadSafeCounter } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'

// Random operations on one object, and on the obvious slow version of it: after each step both must be in the same state.

/** A task that asked and has to wait. */
interface Wait<Guard> {
  readonly guard: Promise<Guard>
  readonly controller: AbortController
  settled: boolean
}

function ask<Guard>(acquire: (options: { signal: AbortSignal }) => Promise<Guard>): Wait<Guard> {
  const controller = new AbortController()
  const wait: Wait<Guard> = {
    guard: acquire({ signal: controller.signal }).finally(() => {
      wait.settled = true
    }),
    controller,
    settled: false,
  }
  // A wait that an operation list leaves pending is aborted at its end.
  wait.guard.catch(() => {})
  return wait
}

async function leave(wait: Wait<unknown>): Promise<void> {
  const reason = new Error('left')
  wait.controller.abort(reason)
  await expect(wait.guard).rejects.toBe(reason)
}

function pick<Item>(items: readonly Item[], at: number): Item | undefined {
  return items[at % Math.max(items.length, 1)]
}

const codeOf = (call: () => unknown) => {
  try {
    call()
    return undefined
  } catch (error) {
    return (error as { code: string }).code
  }
}

const mutexOperation = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: 'acquire' } as const) },
  { weight: 3, arbitrary: fc.constant({ kind: 'release' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'tryAcquire' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'acquireSync' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'releaseOnceMore' } as const) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), who: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leaveAndRelease' as const), who: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('releaseAndLeave' as const), who: fc.nat(9) }) },
)

test('a mutex does what a holder and a list of waits do', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(mutexOperation, { maxLength: 25 }), async (operations) => {
      const mutex = new Mutex()
      let holder: MutexGuard | undefined
      let waits: Wait<MutexGuard>[] = []
      const past: MutexGuard[] = []

      /** The one who is first in line holds it now; nobody else does. */
      const handOver = async () => {
        const next = waits.shift()
        holder = await next?.guard
      }
      const release = () => {
        if (!holder) return
        past.push(holder)
        holder.release()
      }
      const removed = (wait: Wait<MutexGuard>) => {
        waits = waits.filter((other) => other !== wait)
      }

      for (const operation of operations) {
        if (operation.kind === 'acquire') {
          if (holder) waits.push(ask((options) => mutex.acquire(options)))
          else holder = await mutex.acquire()
        } else if (operation.kind === 'release') {
          if (!holder) continue
          release()
          await handOver()
        } else if (operation.kind === 'tryAcquire') {
          const guard = mutex.tryAcquire()
          equal(guard === undefined, holder !== undefined)
          holder ??= guard
        } else if (operation.kind === 'acquireSync') {
          if (holder)
            equal(
              codeOf(() => mutex.acquireSync({ timeout: 0 })),
              'ERR_ALREADY_OWNED',
            )
          else holder = mutex.acquireSync()
        } else if (operation.kind === 'releaseOnceMore') {
          for (const guard of past) guard.release()
        } else {
          const wait = pick(waits, operation.who)
          if (!wait) continue
          removed(wait)
          if (operation.kind === 'releaseAndLeave') release()
          const left = leave(wait)
          if (operation.kind === 'leaveAndRelease') release()
          await left
          if (operation.kind !== 'leave') await handOver()
        }
        expect(holder?.held ?? false).toBe(holder !== undefined)
        expect(past.some((guard) => guard.held)).toBe(false)
        expect(waits.some((wait) => wait.settled)).toBe(false)
      }

      for (const wait of waits) await leave(wait)
      holder?.release()
      expect(mutex.tryAcquire()?.held).toBe(true)
    }),
    { numRuns: 80 },
  )
})

const semaphoreOperation = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'acquire' } as const) },
  { weight: 2, arbitrary: fc.constant({ kind: 'tryAcquire' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'acquireSync' } as const) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('release' as const), permits: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('giveBack' as const), who: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('detach' as const), who: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), who: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leaveAndRelease' as const), who: fc.nat(9) }) },
)

test('a semaphore does what a number and a list of waits do', async () => {
  const numbers = fc.record({ bound: fc.integer({ min: 1, max: 5 }), permits: fc.nat(5) })
  await fc.assert(
    fc.asyncProperty(numbers, fc.array(semaphoreOperation, { maxLength: 30 }), async (start, operations) => {
      const { bound } = start
      let free = Math.min(start.permits, bound)
      const semaphore = new Semaphore(free, { maxPermits: bound })
      const guards: SemaphoreGuard[] = []
      let waits: Wait<SemaphoreGuard>[] = []

      /** Each free permit goes to the first in line. */
      const serve = async () => {
        for (; free > 0 && waits.length > 0; free--) {
          const guard = await waits.shift()?.guard
          if (guard) guards.push(guard)
        }
      }
      const took = (guard: SemaphoreGuard | undefined) => {
        expect(guard !== undefined).toBe(free > 0)
        if (!guard) return
        guards.push(guard)
        free -= 1
      }
      const releasing = (permits: number, call: () => void) => {
        const fits = free + permits <= bound
        expect(codeOf(call)).toBe(fits ? undefined : 'ERR_OVER_RELEASE')
        if (fits) free += permits
        return fits
      }

      for (const operation of operations) {
        if (operation.kind === 'acquire') {
          if (free > 0) took(await semaphore.acquire())
          else waits.push(ask((options) => semaphore.acquire(options)))
        } else if (operation.kind === 'tryAcquire') {
          took(semaphore.tryAcquire())
        } else if (operation.kind === 'acquireSync') {
          if (free > 0) took(semaphore.acquireSync())
          else
            equal(
              codeOf(() => semaphore.acquireSync({ timeout: 0 })),
              'ERR_TIMEOUT',
            )
        } else if (operation.kind === 'release') {
          releasing(operation.permits, () => semaphore.release(operation.permits))
          await serve()
        } else if (operation.kind === 'leave' || operation.kind === 'leaveAndRelease') {
          const wait = pick(waits, operation.who)
          if (!wait) continue
          waits = waits.filter((other) => other !== wait)
          const left = leave(wait)
          if (operation.kind === 'leaveAndRelease') releasing(1, () => semaphore.release())
          await left
          await serve()
        } else {
          const guard = pick(guards, operation.who)
          if (!guard) continue
          if (operation.kind === 'detach') guard.detach()
          else if (guard.held) {
            const fits = releasing(1, () => guard.release())
            equal(guard.held, !fits)
          } else guard.release()
          await serve()
        }
        expect(semaphore.availablePermits).toBe(free)
        expect(waits.some((wait) => wait.settled)).toBe(false)
      }

      for (const wait of waits) await leave(wait)
      expect(semaphore.availablePermits).toBe(free)
    }),
    { numRuns: 80 },
  )
})

const [least, most] = [-(2 ** 31), 2 ** 31 - 1]

/** Small numbers, and those near the edges. */
const int32 = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.integer({ min: least, max: most }),
  fc.integer({ min: most - 2, max: most }),
  fc.integer({ min: least, max: least + 2 }),
)

const counterOperation = fc.oneof(
  fc.record({ kind: fc.constantFrom('increment' as const, 'decrement' as const), amount: int32 }),
  fc.record({ kind: fc.constant('compareAndSet' as const), expected: int32, guess: fc.boolean(), value: int32 }),
  fc.constant({ kind: 'reset' } as const),
)

test('a counter does what a plain number does that refuses to leave 32 bits', () => {
  fc.assert(
    fc.property(int32, fc.array(counterOperation), (initialValue, operations) => {
      const counter = new ThreadSafeCounter(initialValue)
      let twin = initialValue
      for (const operation of operations) {
        if (operation.kind === 'reset') {
          equal(counter.reset(), twin)
          twin = 0
        } else if (operation.kind === 'compareAndSet') {
          const expected = operation.guess ? twin : operation.expected
          const fits = expected === twin
          equal(counter.compareAndSet(expected, operation.value), fits)
          if (fits) twin = operation.value
        } else {
          const { kind, amount } = operation
          const sum = kind === 'increment' ? twin + amount : twin - amount
          if (sum < least || sum > most)
            equal(
              codeOf(() => counter[kind](amount)),
              'ERR_OUT_OF_RANGE',
            )
          else {
            equal(counter[kind](amount), sum)
            twin = sum
          }
        }
        expect(counter.getValue()).toBe(twin)
      }
    }),
    { numRuns: 300 },
  )
})
