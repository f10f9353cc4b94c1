import { throwIfClosed } from '../memory/closed.js'
import type { Memory } from '../memory/memory.js'
import { type Step, WOKEN } from '../steps.js'

/** A step at which the algorithm may have to stay for long. */
export type LongWait = Extract<Step, { op: 'wait' }>

/**
 * Does one step, unless it is a wait that may be long.
 *
 * @throws ClosedError `ERR_CLOSED`: the memory was closed; the algorithm cannot go on, and has nothing to clean up
 */
export function perform(memory: Memory, step: Exclude<Step, LongWait>): number {
  const found = performOpen(memory, step)
  throwIfClosed(memory)
  return found
}

function performOpen(memory: Memory, step: Exclude<Step, LongWait>): number {
  switch (step.op) {
    case 'load':
      return Atomics.load(memory.words, step.index)
    case 'store':
      Atomics.store(memory.words, step.index, step.value)
      return 0
    case 'compareExchange':
      return Atomics.compareExchange(memory.words, step.index, step.expected, step.value)
    case 'exchange':
      return Atomics.exchange(memory.words, step.index, step.value)
    case 'add':
      return Atomics.add(memory.words, step.index, step.value)
    case 'notify':
      memory.notify(step.index, step.count)
      return 0
    case 'isDead':
      return memory.isDead(step.participant) ? 1 : 0
    case 'checkpoint':
      return 0
  }
}

/**
 * Waits for an internal lock, which is held for less than a microsecond unless its holder was stopped or has died.
 *
 * @throws ClosedError `ERR_CLOSED`: the memory was closed
 */
export function waitBriefly(memory: Memory, { index, expected }: LongWait): number {
  try {
    memory.wait(index, expected, briefMs)
  } catch (error) {
    // A page's main thread must not sleep. So it looks again at once.
    if (!(error instanceof TypeError)) throw error
  }
  throwIfClosed(memory)
  return WOKEN
}

/** How long a wait for an internal lock sleeps before it asks whether the holder has died, in milliseconds. */
const briefMs = 10

/**
 * The longest that a wait sleeps before it looks again, in milliseconds. A wake-up can be lost with the thread that got it
 * (`notify(…, 1)` counts a thread that is terminated before it runs), and a holder may die, so no wait may rely on one.
 */
export const sliceMs = 50
