import type { Machine } from './machine.js'
import { type Choice, isCounted, threadOf } from './schedule.js'
import { StateSet } from './state-set.js'

/** A trap with more states than this is not recognised. */
const mostStates = 100_000

/**
 * Whether the machine is in a trap: no end can be reached from its state by steps and by what comes by itself. The machine is
 * in the same state afterwards. A search finds traps on its way, see `Traps`; this is for single schedules.
 */
export function lookForTrap(machine: Machine): { readonly isTrap: boolean; readonly states: number } {
  const { state } = machine
  const seen = new StateSet(state.width)
  const levels: Choice[][] = []
  const bottom = state.base
  let previous = -1

  /** Returns whether the state shows that this is no trap. */
  const arrive = (): boolean => {
    if (seen.add(state.cells, state.base) >= 0) {
      levels.push([])
      return false
    }
    const choices: Choice[] = []
    machine.choices(previous, choices)
    // Taken from the back.
    levels.push(choices.filter((choice) => !isCounted(choice)).reverse())
    return choices.length === 0 || machine.withheld || machine.tooDeep || machine.thrower >= 0 || seen.size > mostStates
  }

  let canEnd = arrive()
  while (!canEnd && levels.length > 0) {
    const choice = levels.at(-1)?.pop()
    if (choice === undefined) {
      levels.pop()
      if (levels.length > 0) state.pop()
      continue
    }
    state.push()
    machine.apply(choice)
    previous = threadOf(choice)
    canEnd = arrive()
  }
  state.base = bottom
  return { isTrap: !canEnd, states: seen.size }
}
