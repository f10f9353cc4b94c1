import { equal } from 'node:assert/strict'
import { Barrier } from '@heddle/sync-primitives'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { at, codeOf, operations, Wait } from './support/twin.js'

test('a barrier does what a list of those who came does', async () => {
  const list = operations({ wait: 10, waitSync: 1, abort: 1, reset: 2, leave: 1, comeAndAbort: 1, comeAndReset: 1 }, 40)
  const brokenCode = 'ERR_BARRIER_BROKEN'
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), list, async (parties, steps) => {
      let actions = 0
      let trips = 0
      const barrier = new Barrier(parties, {
        action: () => {
          actions += 1
        },
      })
      let broken = false
      let here: Wait<unknown>[] = []

      const endAll = async (outcomes: (i: number) => unknown) => {
        for (const [i, wait] of here.entries()) {
          await wait.ended
          expect(wait.outcome).toEqual(outcomes(i))
        }
        here = []
      }
      const come = () => here.push(new Wait((options) => barrier.wait(options)))
      for (const { name, number } of steps) {
        if (name === 'wait' || name === 'comeAndAbort' || name === 'comeAndReset') {
          come()
          if (broken) await endAll(() => brokenCode)
          else if (here.length === parties) {
            trips += 1
            await endAll((index) => ({ index, serial: index === parties - 1 }))
          }
        } else if (name === 'waitSync') {
          const completes: boolean = !broken && here.length === parties - 1
          const code = codeOf(() => barrier.waitSync({ timeout: 0 }))
          equal(code, broken ? brokenCode : completes ? undefined : 'ERR_TIMEOUT')
          if (completes) {
            trips += 1
            await endAll((index) => ({ index, serial: false }))
          } else {
            broken = true
            await endAll(() => brokenCode)
          }
        } else if (name === 'leave') {
          const wait = at(here, number)
          if (!wait) continue
          here = here.filter((other) => other !== wait)
          await wait.leave()
          broken = true
          await endAll(() => brokenCode)
        }
        if (name === 'abort' || name === 'comeAndAbort') {
          barrier.abort()
          broken = true
          await endAll(() => brokenCode)
        }
        if (name === 'reset' || name === 'comeAndReset') {
          barrier.reset()
          broken = false
          await endAll(() => brokenCode)
        }
        expect(barrier.getState()).toEqual({ parties, waiting: here.length, broken })
        expect(here.map(({ outcome }) => outcome)).toEqual(here.map(() => 'pending'))
        equal(actions, trips)
      }
      barrier.abort()
      await endAll(() => brokenCode)
    }),
    { numRuns: 80 },
  )
})
