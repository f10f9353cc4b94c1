import type { DuelRunner } from '../arena.js'
import { argumentDuels } from './pool/arguments.js'
import { idleDuels } from './pool/idle.js'
import { mapDuels } from './pool/maps.js'
import { stopDuels } from './pool/stops.js'
import { taskDuels } from './pool/tasks.js'

/** The duels of the suite `pool`; the rows that they belong to are in suites/pool-plans.ts. */
export const duels: Readonly<Record<string, DuelRunner>> = {
  ...taskDuels,
  ...mapDuels,
  ...argumentDuels,
  ...stopDuels,
  ...idleDuels,
}
