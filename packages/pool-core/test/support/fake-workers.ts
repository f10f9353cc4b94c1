import type { Boundary } from '@heddle/codec'
import { afterEach, beforeEach, jest } from '@jest/globals'
import { type FakeOptions, FakeWorkers as Fakes, settled } from '../verify/fake-workers.ts'

export { type FakeWorker, ignore, outcomeOf, settled, teach } from '../verify/fake-workers.ts'

const all: FakeWorkers[] = []

/** The clock stands still unless a test moves it: what a fake worker is sent waits for the test, however slow the machine is. */
export function stopClock(): void {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'clearImmediate', 'queueMicrotask'] })
}

beforeEach(stopClock)

/** Moves it, and lets happen what that sets off. */
export async function pass(ms: number): Promise<void> {
  jest.advanceTimersByTime(ms)
  await settled()
}

/** Their pools end with the test, and what a pool may never do with them fails it. */
export class FakeWorkers extends Fakes {
  constructor(boundary: Boundary, options?: FakeOptions) {
    super(boundary, options)
    all.push(this)
  }
}

afterEach(async () => {
  jest.useRealTimers()
  for (const fakes of all.splice(0)) {
    await fakes.end()
    if (fakes.violations.length > 0) throw new Error(`the pool may not: ${fakes.violations.join('; ')}`)
  }
})
