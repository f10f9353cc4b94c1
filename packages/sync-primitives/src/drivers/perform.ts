import type { Memory } from '../memory/memory.js'
import type { Step } from '../steps.js'

/** Does one step that does not wait. */
export function perform(memory: Memory, step: Exclude<Step, { op: 'wait' }>): number {
  switch (step.op) {
    case 'load':
      return Atomics.load(memory.words, step.index)
    case 'compareExchange':
      return Atomics.compareExchange(memory.words, step.index, step.expected, step.value)
    case 'exchange':
      return Atomics.exchange(memory.words, step.index, step.value)
    case 'notify':
      memory.notify(step.index, step.count)
      return 0
  }
}

/**
 * The longest that a wait sleeps before it looks again, in milliseconds. A wake-up can be lost with the thread that got it
 * (`notify(…, 1)` counts a thread that is terminated before it runs), so no wait may rely on one.
 */
export const sliceMs = 100
