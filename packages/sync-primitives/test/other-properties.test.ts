import { equal } from 'node:assert/strict'
import { AutoResetEvent, Latch, ManualResetEvent, Semaphore, type SemaphoreGuard } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { at, codeOf, operations, Wait } from './support/twin.js'
import { turnsOfTheLoop } from './support/until.js'

// Random operations on one object, and on the obvious slow version of it: after each step both must be in the same state.

test('a weighted semaphore does what a number and a line do', async () => {
  const list = operations({
    acquire: 5,
    tryAcquire: 2,
    acquireSync: 2,
    release: 2,
    giveBack: 5,
    detach: 1,
    leave: 2,
    releaseAndLeaveFirst: 1,
  })
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.nat(6), list, async (bound, permits, steps) => {
      let free = Math.min(bound, permits)
      const semaphore = new Semaphore(free, { maxPermits: bound })
      const guards: SemaphoreGuard[] = []
      let line: Wait<SemaphoreGuard>[] = []

      const serve = async () => {
        for (let first = line[0]; first && first.weight <= free; first = line[0]) {
          await first.ended
          expect(first.outcome).toMatchObject({ held: true, permits: first.weight })
          guards.push(first.outcome as SemaphoreGuard)
          free -= first.weight
          line = line.slice(1)
        }
        // Nobody else gets anything.
        await turnsOfTheLoop(2)
        expect(line.map(({ outcome }) => outcome)).toEqual(line.map(() => 'pending'))
      }
      const took = (guard: SemaphoreGuard | undefined, expected: boolean, wanted: number) => {
        equal(guard?.permits, expected ? wanted : undefined)
        if (!guard) return
        guards.push(guard)
        free -= wanted
      }
      const gives = (count: number, call: () => void) => {
        const fits = free + count <= bound
        equal(codeOf(call), fits ? undefined : 'ERR_OVER_RELEASE')
        if (fits) free += count
      }

      for (const { name, number } of steps) {
        const wanted = (number % bound) + 1
        if (name === 'acquire') {
          line.push(new Wait((options) => semaphore.acquire(wanted, options), wanted))
        } else if (name === 'tryAcquire') {
          took(semaphore.tryAcquire(wanted), line.length === 0 && wanted <= free, wanted)
        } else if (name === 'acquireSync') {
          if (wanted <= free) took(semaphore.acquireSync(wanted, { timeout: 0 }), true, wanted)
          else
            equal(
              codeOf(() => semaphore.acquireSync(wanted, { timeout: 0 })),
              'ERR_TIMEOUT',
            )
        } else if (name === 'release') {
          gives(wanted, () => semaphore.release(wanted))
        } else if (name === 'giveBack') {
          const guard = at(guards, number)
          if (guard?.held) gives(guard.permits, () => guard.release())
          else guard?.release()
        } else if (name === 'detach') {
          at(guards, number)?.detach()
          equal(at(guards, number)?.held ?? false, false)
        } else {
          const wait = name === 'leave' ? at(line, number) : line[0]
          if (name !== 'leave' && !(free + wanted <= bound)) continue
          if (name !== 'leave') gives(wanted, () => semaphore.release(wanted))
          if (wait) line = line.filter((other) => other !== wait)
          await wait?.leave()
        }
        await serve()
        expect(semaphore.getState()).toMatchObject({ free, waitingHere: line.length })
      }
      for (const wait of line.reverse()) await wait.leave() // the last one first: nobody moves up
      equal(semaphore.availablePermits, free)
      equal(semaphore.tryAcquire(Math.max(free, 1))?.permits, free === 0 ? undefined : free)
    }),
    { numRuns: 80 },
  )
})

test('a latch does what a number does that opens at 0', async () => {
  const list = operations({ countDown: 4, wait: 4, waitSync: 1, leave: 1 })
  await fc.assert(
    fc.asyncProperty(fc.nat(12), list, async (start, steps) => {
      const latch = new Latch(start)
      let count = start
      let waits: Wait<boolean>[] = []
      for (const { name, number } of steps) {
        if (name === 'countDown') {
          const by = (number % 5) + 1
          if (by > count)
            equal(
              codeOf(() => latch.countDown(by)),
              'ERR_OVER_RELEASE',
            )
          else {
            count -= by
            equal(latch.countDown(by), count)
          }
        } else if (name === 'wait') {
          waits.push(new Wait((options) => latch.wait(options)))
        } else if (name === 'waitSync') {
          equal(latch.waitSync({ timeout: 0 }), count === 0)
        } else {
          const wait = at(waits, number)
          waits = waits.filter((other) => other !== wait)
          await wait?.leave()
        }
        if (count === 0) for (const { ended } of waits) await ended
        else await turnsOfTheLoop(1)
        expect(waits.map(({ outcome }) => outcome)).toEqual(waits.map(() => (count === 0 ? true : 'pending')))
        if (count === 0) waits = []
        equal(latch.count, count)
      }
      for (const wait of waits) await wait.leave()
    }),
    { numRuns: 80 },
  )
})

test('a manual-reset event does what a boolean and a set of waits do', async () => {
  const list = operations({ set: 2, reset: 2, setAndReset: 2, wait: 6, waitSync: 1, leave: 1, resetAndLeave: 1 })
  await fc.assert(
    fc.asyncProperty(fc.boolean(), list, async (initially, steps) => {
      const event = new ManualResetEvent(initially)
      let isSet = initially
      let waits: Wait<boolean>[] = []
      for (const { name, number } of steps) {
        let wakes = false
        if (name === 'set' || name === 'setAndReset') {
          event.set()
          wakes = true
          isSet = true
        }
        if (name === 'reset' || name === 'setAndReset' || name === 'resetAndLeave') {
          event.reset()
          isSet = false
        }
        if (name === 'wait') waits.push(new Wait((options) => event.wait(options)))
        if (name === 'waitSync') equal(event.waitSync({ timeout: 0 }), isSet)
        if (name === 'leave' || name === 'resetAndLeave') {
          const wait = at(waits, number)
          waits = waits.filter((other) => other !== wait)
          await wait?.leave()
        }
        wakes ||= isSet
        if (wakes) for (const { ended } of waits) await ended
        else await turnsOfTheLoop(1)
        expect(waits.map(({ outcome }) => outcome)).toEqual(waits.map(() => (wakes ? true : 'pending')))
        if (wakes) waits = []
        equal(event.isSet, isSet)
      }
      for (const wait of waits) await wait.leave()
    }),
    { numRuns: 80 },
  )
})

test('an auto-reset event does what one signal and a line do', async () => {
  const list = operations({
    set: 4,
    setTwice: 1,
    reset: 1,
    wait: 6,
    tryWait: 2,
    waitSync: 1,
    leave: 1,
    setAndLeaveFirst: 2,
  })
  await fc.assert(
    fc.asyncProperty(fc.boolean(), list, async (initially, steps) => {
      const event = new AutoResetEvent(initially)
      let isSet = initially
      let line: Wait<boolean>[] = []
      for (const { name, number } of steps) {
        if (name === 'set' || name === 'setTwice' || name === 'setAndLeaveFirst') {
          event.set()
          if (name === 'setTwice') event.set()
          isSet = true
        }
        if (name === 'reset' || name === 'tryWait' || name === 'waitSync') {
          const used = name === 'waitSync' ? event.waitSync({ timeout: 0 }) : event[name]()
          equal(used, isSet)
          isSet = false
        }
        if (name === 'wait') line.push(new Wait((options) => event.wait(options)))
        if (name === 'leave' || name === 'setAndLeaveFirst') {
          const wait = name === 'leave' ? at(line, number) : line[0]
          line = line.filter((other) => other !== wait)
          await wait?.leave()
        }
        const first = line[0]
        if (isSet && first) {
          await first.ended
          equal(first.outcome, true)
          isSet = false
          line = line.slice(1)
        }
        await turnsOfTheLoop(2)
        expect(line.map(({ outcome }) => outcome)).toEqual(line.map(() => 'pending'))
        equal(event.isSet, isSet)
      }
      for (const wait of line) await wait.leave()
    }),
    { numRuns: 80 },
  )
})
