import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { Condition, Mutex, ReadWriteLock, RecursiveMutex } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { turnsOfTheLoop } from './support/until.js'

// Random operations on one object, and on the obvious slow version of it: after each step both must be in the same state.

type Kind = 'read' | 'write' | 'upgradable'
interface Guard {
  readonly held: boolean
  release(): void
  downgrade?(): Guard
  tryUpgrade?(): Guard | undefined
}

/** A read-write lock of one thread: who is inside, and nothing else. */
class Twin {
  readonly inside: Kind[] = []

  count(kind: Kind): number {
    return this.inside.filter((other) => other === kind).length
  }

  mayEnter(kind: Kind): boolean {
    if (kind === 'write') return this.inside.length === 0
    return this.count('write') === 0 && (kind === 'read' || this.count('upgradable') === 0)
  }
}

/** One lock by two objects, and its twin: place by place, who is inside and the guard of that. */
class Pair {
  readonly lock = new ReadWriteLock()
  readonly other = ReadWriteLock.fromHandle(this.lock.toHandle())
  readonly twin = new Twin()
  readonly guards: Guard[] = []
  readonly past: Guard[] = []

  /** By the Sync or the try form; a wait for this thread itself is refused. */
  enter(kind: Kind, blocking: boolean, second: boolean): void {
    const lock = second ? this.other : this.lock
    const form = kind === 'read' ? 'Read' : kind === 'write' ? 'Write' : 'UpgradableRead'
    const expected = this.twin.mayEnter(kind)
    let guard: Guard | undefined
    if (blocking && !expected) throws(() => lock[`acquire${form}Sync`](), { code: 'ERR_ALREADY_OWNED' })
    else guard = blocking ? lock[`acquire${form}Sync`]() : lock[`tryAcquire${form}`]()
    equal(guard !== undefined, expected)
    if (guard) this.#became(guard, kind)
  }

  release(at: number): void {
    const guard = this.#take(at)
    guard?.release()
  }

  downgrade(at: number): void {
    const found = this.twin.inside[at % this.guards.length]
    if (found === undefined || found === 'read') return
    this.#became(this.#take(at)?.downgrade?.(), 'read')
  }

  upgrade(): void {
    const at = this.twin.inside.indexOf('upgradable')
    if (at < 0) return
    const writer = this.guards[at]?.tryUpgrade?.()
    equal(writer !== undefined, this.twin.inside.length === 1)
    if (!writer) return
    this.#take(at)
    this.#became(writer, 'write')
  }

  /** A guard that was used up changes nothing; both objects say what the twin says. */
  check(): void {
    const { twin } = this
    for (const guard of this.past) guard.release()
    ok(!this.past.some((guard) => guard.held))
    ok(this.guards.every((guard) => guard.held))
    const state = this.lock.getState()
    deepEqual(this.other.getState(), state)
    const here = { threadId: 0, alive: true }
    deepEqual(state, {
      readers: twin.count('read'),
      writer: twin.count('write') > 0 ? here : undefined,
      upgradableReader: twin.count('upgradable') > 0 ? here : undefined,
      contended: false,
      waitingHere: 0,
      ownerDied: false,
      recoverable: true,
    })
  }

  #became(guard: Guard | undefined, kind: Kind): void {
    ok(guard?.held)
    this.guards.push(guard)
    this.twin.inside.push(kind)
  }

  #take(at: number): Guard | undefined {
    if (this.guards.length === 0) return undefined
    const place = at % this.guards.length
    this.twin.inside.splice(place, 1)
    const [guard] = this.guards.splice(place, 1)
    if (guard) this.past.push(guard)
    return guard
  }
}

const kind = fc.constantFrom<Kind>('read', 'read', 'write', 'upgradable')
const lockOperation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant('enter' as const), kind, blocking: fc.boolean(), second: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('release' as const), at: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('downgrade' as const), at: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.constant({ op: 'upgrade' as const }) },
)

test('a read-write lock in one thread is what a list of those inside is', () => {
  fc.assert(
    fc.property(fc.array(lockOperation, { maxLength: 40 }), (operations) => {
      const pair = new Pair()
      for (const operation of operations) {
        if (operation.op === 'enter') pair.enter(operation.kind, operation.blocking, operation.second)
        else if (operation.op === 'release') pair.release(operation.at)
        else if (operation.op === 'downgrade') pair.downgrade(operation.at)
        else pair.upgrade()
        pair.check()
      }
      for (let left = pair.guards.length; left > 0; left--) pair.release(0)
      expect(pair.lock.tryAcquireWrite()?.held).toBe(true)
    }),
    { numRuns: 150 },
  )
})

test('readers and writers that await are never inside together, whatever leaves or comes, and all are served', async () => {
  const task = fc.record({ kind, leaves: fc.boolean(), turns: fc.nat(2), upgrades: fc.boolean(), after: fc.nat(3) })
  await fc.assert(
    fc.asyncProperty(fc.array(task, { maxLength: 14 }), async (tasks) => {
      const lock = new ReadWriteLock()
      const inside: Record<Kind, number> = { read: 0, write: 0, upgradable: 0 }
      const be = async (as: Kind, turns: number) => {
        inside[as] += 1
        expect(inside.write === 0 || (inside.write === 1 && inside.read + inside.upgradable === 0)).toBe(true)
        expect(inside.upgradable).toBeLessThanOrEqual(1)
        await turnsOfTheLoop(turns)
        inside[as] -= 1
      }
      const outcomes = tasks.map(async ({ kind: as, leaves, turns, upgrades, after }) => {
        await turnsOfTheLoop(after)
        const controller = new AbortController()
        const form = as === 'read' ? 'acquireRead' : as === 'write' ? 'acquireWrite' : 'acquireUpgradableRead'
        const acquiring = lock[form](leaves ? { signal: controller.signal } : {})
        if (leaves) void turnsOfTheLoop(turns).then(() => controller.abort('left'))
        let guard: Guard & { upgrade?(): Promise<Guard> }
        try {
          guard = await acquiring
        } catch (reason) {
          return reason
        }
        await be(as, turns)
        if (upgrades && guard.upgrade) {
          guard = await guard.upgrade()
          await be('write', turns)
        }
        if (upgrades && guard.downgrade) {
          guard = guard.downgrade()
          await be('read', turns)
        }
        guard.release()
        return 'was inside'
      })
      for (const [at, outcome] of (await Promise.all(outcomes)).entries())
        expect(tasks[at]?.leaves ? ['was inside', 'left'] : ['was inside']).toContain(outcome)
      expect(lock.getState()).toMatchObject({
        readers: 0,
        writer: undefined,
        upgradableReader: undefined,
        waitingHere: 0,
      })
    }),
    { numRuns: 60 },
  )
})

test('a condition is what a queue of those who wait is: each notification serves the first ones', async () => {
  const operation = fc.oneof(
    { weight: 4, arbitrary: fc.constant({ op: 'wait' as const }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('notify' as const), count: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('leave' as const), at: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('notifyAndLeave' as const), at: fc.nat(9) }) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 25 }), fc.boolean(), async (operations, recursive) => {
      const mutex = recursive ? new RecursiveMutex() : new Mutex()
      const condition = new Condition(mutex, { maxWaiters: 100 })
      let next = 0
      let queue: { name: number; controller: AbortController }[] = []
      const expected: string[] = []
      const seen: string[] = []
      const tasks: Promise<void>[] = []
      const wait = async (name: number, signal: AbortSignal) => {
        const guard = await mutex.acquire()
        const outcome = await condition.wait(guard, { signal }).catch(String)
        seen.push(`${name} ${outcome}`)
        expect(guard.held).toBe(true)
        guard.release()
      }
      const serve = (count: number) => expected.push(...queue.splice(0, count).map(({ name }) => `${name} true`))
      for (const each of operations) {
        if (each.op === 'wait') {
          const waiter = { name: next++, controller: new AbortController() }
          queue.push(waiter)
          tasks.push(wait(waiter.name, waiter.controller.signal))
        } else {
          const guard = await mutex.acquire()
          const leaver = each.op === 'notify' ? undefined : queue[each.at % queue.length]
          const count = each.op === 'notify' ? each.count : each.op === 'leave' ? 0 : 1
          if (count > 0) equal(condition.notify(guard, count), Math.min(count, queue.length))
          leaver?.controller.abort('left')
          queue = queue.filter((other) => other !== leaver)
          if (leaver) expected.push(`${leaver.name} left`)
          serve(leaver && each.op === 'notifyAndLeave' ? 1 : count)
          guard.release()
        }
        await turnsOfTheLoop(4)
        expect([...seen].sort()).toEqual([...expected].sort())
      }
      const guard = await mutex.acquire()
      expect(condition.notifyAll(guard)).toBe(queue.length)
      guard.release()
      await Promise.all(tasks)
      expect(mutex.getState()).toMatchObject({ held: false, waitingHere: 0 })
    }),
    { numRuns: 50 },
  )
})
