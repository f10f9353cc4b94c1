import { deepEqual } from 'node:assert/strict'
import { Condition, Mutex, type MutexGuard, ReadWriteLock, RecursiveMutex, Semaphore } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { heldGuards } from './support/held-guards.js'
import { turnsOfTheLoop } from './support/until.js'

/** What guards of any kind can do. */
interface Guard {
  readonly held: boolean
  release(): void
  [Symbol.dispose](): void
  acquire?(): Guard
  detach?(): void
  downgrade?(): Guard
  tryUpgrade?(): Guard | undefined
  upgrade?(options: Options): Promise<Guard>
}

type Options = { signal?: AbortSignal; timeout?: number }

/** One way to take a lock of a kind: at once or not at all, or by and by. */
interface Form {
  readonly now: () => Guard | undefined
  readonly later: (options: Options) => Promise<Guard>
}

interface Lock {
  readonly forms: readonly Form[]
  readonly condition?: Condition
}

function locksOfEveryKind(): Lock[] {
  const mutexes = [new Mutex(), new Mutex({ fair: true }), new RecursiveMutex()]
  const rw = new ReadWriteLock()
  const semaphore = new Semaphore(3, { maxPermits: 3 })
  return [
    ...mutexes.map((mutex) => ({
      condition: new Condition(mutex),
      forms: [
        { now: () => mutex.tryAcquire(), later: (options: Options) => mutex.acquire(options) },
        { now: () => mutex.acquireSync({ timeout: 0 }), later: (options: Options) => mutex.acquire(options) },
      ],
    })),
    {
      forms: [
        { now: () => rw.tryAcquireRead(), later: (options) => rw.acquireRead(options) },
        { now: () => rw.acquireReadSync({ timeout: 0 }), later: (options) => rw.acquireRead(options) },
        { now: () => rw.tryAcquireWrite(), later: (options) => rw.acquireWrite(options) },
        { now: () => rw.acquireWriteSync({ timeout: 0 }), later: (options) => rw.acquireWrite(options) },
        { now: () => rw.tryAcquireUpgradableRead(), later: (options) => rw.acquireUpgradableRead(options) },
      ],
    },
    {
      forms: [1, 2, 3].map((permits) => ({
        now: () => semaphore.tryAcquire(permits),
        later: (options) => semaphore.acquire(permits, options),
      })),
    },
  ]
}

/** The guards that count, in a set, and whatever else may come of what was done. */
class Twin {
  readonly counted = new Set<Guard>()
  /** All that ever were: things are done to those as well that were released. */
  readonly known: { readonly guard: Guard; readonly lock: Lock }[] = []
  readonly pending: AbortController[] = []
  /** What has been done, and not refused. */
  readonly done: Set<string>
  readonly #suspended = new Set<Set<Guard>>()

  constructor(done: Set<string>) {
    this.done = done
  }

  add(kind: Operation['kind'], guard: Guard | undefined, lock: Lock): void {
    if (!guard) return
    this.counted.add(guard)
    this.known.push({ guard, lock })
    this.done.add(kind)
  }

  delete(guard: Guard): void {
    this.counted.delete(guard)
    for (const group of this.#suspended) group.delete(guard)
  }

  become(kind: Operation['kind'], guard: Guard, next: Guard | undefined, lock: Lock): void {
    if (next) this.delete(guard)
    this.add(kind, next, lock)
  }

  /** A call that settles later, and that an abort ends. */
  begin<Result>(call: (options: Options) => Promise<Result>, onDone: (result: Result) => void, onFailed = () => {}) {
    const controller = new AbortController()
    this.pending.push(controller)
    void call({ signal: controller.signal }).then(onDone, onFailed)
  }

  /** All guards of that lock that this thread holds give it up until the wait is over. */
  suspend(lock: Lock): Set<Guard> {
    const ofLock = this.known.filter((each) => each.lock === lock).map(({ guard }) => guard)
    const group = new Set(ofLock.filter((guard) => this.counted.delete(guard)))
    this.#suspended.add(group)
    return group
  }

  resume(group: Set<Guard> | undefined): void {
    if (!group) return
    this.#suspended.delete(group)
    for (const guard of group) this.counted.add(guard)
  }
}

const often = ['now', 'later', 'release', 'dispose'] as const
const seldom = ['level', 'detach', 'downgrade', 'tryUpgrade', 'upgrade', 'wait', 'notify', 'abort'] as const
const kinds = [...often, ...seldom]

const operation = fc.record({
  kind: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...often) },
    { weight: 4, arbitrary: fc.constantFrom(...seldom) },
  ),
  lock: fc.nat(4),
  form: fc.nat(14),
  who: fc.nat(30),
  /** Whether it is done to a guard that is released already, if there is one. */
  stale: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
})

type Operation = typeof operation extends fc.Arbitrary<infer Value> ? Value : never

function suits(kind: Operation['kind'], guard: Guard, { condition }: Lock): boolean {
  if (kind === 'wait' || kind === 'notify') return condition !== undefined
  return kind === 'release' || kind === 'dispose' || (kind === 'level' ? 'acquire' : kind) in guard
}

/** Does it to a lock or a guard, and to the twin what that was said to do if it does not throw. */
function perform(twin: Twin, locks: readonly Lock[], { kind, lock: which, form: how, who, stale }: Operation): void {
  const lock = locks[which] as Lock
  const form = lock.forms[how % lock.forms.length] as Form
  if (kind === 'now') twin.add(kind, form.now(), lock)
  else if (kind === 'later') twin.begin(form.later, (guard) => twin.add(kind, guard, lock))
  else if (kind === 'abort') {
    const controller = twin.pending[who % Math.max(twin.pending.length, 1)]
    controller?.abort()
    if (controller) twin.done.add(kind)
  } else {
    const fit = twin.known.filter((each) => each.guard.held !== stale && suits(kind, each.guard, each.lock))
    const one = fit[who % Math.max(fit.length, 1)]
    if (one) performOn(twin, one.guard, one.lock, kind)
  }
}

function performOn(twin: Twin, guard: Guard, lock: Lock, kind: Operation['kind']): void {
  const { condition } = lock
  if (kind === 'release' || kind === 'dispose' || kind === 'detach') {
    if (kind === 'release') guard.release()
    else if (kind === 'dispose') guard[Symbol.dispose]()
    else guard.detach?.()
    twin.delete(guard)
    twin.done.add(kind)
  } else if (kind === 'level') twin.add(kind, guard.acquire?.(), lock)
  else if (kind === 'downgrade') twin.become(kind, guard, guard.downgrade?.(), lock)
  else if (kind === 'tryUpgrade') twin.become(kind, guard, guard.tryUpgrade?.(), lock)
  else if (kind === 'upgrade') {
    const upgrade = (options: Options) => (guard as Required<Guard>).upgrade(options)
    twin.begin(upgrade, (writer) => twin.become(kind, guard, writer, lock))
  } else if (kind === 'notify') {
    if (condition && condition.notify(guard as MutexGuard) > 0) twin.done.add(kind)
  } else if (kind === 'wait' && condition) {
    let group: Set<Guard> | undefined
    const resume = () => twin.resume(group)
    const isRefused = !twin.counted.has(guard)
    twin.begin((options) => condition.wait(guard as MutexGuard, options), resume, resume)
    if (isRefused) return
    group = twin.suspend(lock)
    twin.done.add(kind)
  }
}

/** What refuses, refuses with a code, and changes nothing. */
function performOrBeRefused(...args: Parameters<typeof perform>): void {
  try {
    perform(...args)
  } catch (error) {
    if ((error as { code?: string }).code === undefined) throw error
  }
}

test('whatever is done to several locks, as many guards count as hold something', async () => {
  const done = new Set<string>()
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 40, size: 'max' }), async (operations) => {
      const before = heldGuards()
      const locks = locksOfEveryKind()
      const twin = new Twin(done)
      const compare = () => {
        const held = twin.known.filter(({ guard }) => guard.held).length
        deepEqual({ counted: heldGuards() - before, held }, { counted: twin.counted.size, held: twin.counted.size })
      }
      for (const each of operations) {
        performOrBeRefused(twin, locks, each)
        // What awaits has its guard some microtasks before it tells.
        if (each.kind !== 'later' && each.kind !== 'upgrade') compare()
        await turnsOfTheLoop(1)
        compare()
      }
      // In the end nothing is held, and nothing counts.
      for (const controller of twin.pending) controller.abort()
      do {
        await turnsOfTheLoop()
        for (const { guard, lock } of twin.known) performOn(twin, guard, lock, 'release')
        compare()
      } while (twin.counted.size > 0)
      await turnsOfTheLoop()
      deepEqual(heldGuards(), before)
    }),
    { numRuns: 250 },
  )
  // No operation was always refused.
  expect([...done].sort()).toEqual([...kinds].sort())
})
