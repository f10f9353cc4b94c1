import type { DuelRunner } from '../arena.js'
import { flowDuels } from './async/flows.js'
import { limiterDuels } from './async/limiters.js'
import { taskDuels } from './async/tasks.js'
import { timerDuels } from './async/timers.js'

/** The duels of the suite `async`; the rows that they belong to are in suites/async-plans.ts. */
export const duels: Readonly<Record<string, DuelRunner>> = {
  ...taskDuels,
  ...flowDuels,
  ...limiterDuels,
  ...timerDuels,
}
